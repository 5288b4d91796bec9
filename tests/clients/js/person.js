// One user with one device: a client of the SDK, and waiting for what it sees.
import * as sdk from "matrix-js-sdk";
import { CryptoEvent, VerificationPhase, VerificationRequestEvent, VerifierEvent } from "matrix-js-sdk/lib/crypto-api/index.js";

const WAIT_MS = 60_000;
const PASSWORD = "correct horse battery staple";

/** Waits until `look` gives something, asking again after each of `events`; gives that. */
export function until(what, emitters, look) {
    return new Promise((resolve, reject) => {
        const stop = () => {
            clearTimeout(late);
            for (const [emitter, event] of emitters) emitter.off(event, ask);
        };
        const ask = async () => {
            try {
                const found = await look();
                if (!found) return;
                stop();
                resolve(found);
            } catch (error) {
                stop();
                reject(error);
            }
        };
        const late = setTimeout(() => {
            stop();
            reject(new Error(`${what} did not come within ${WAIT_MS} ms`));
        }, WAIT_MS);
        for (const [emitter, event] of emitters) emitter.on(event, ask);
        ask();
    });
}

export class Person {
    /** Registers, brings up encryption and starts to sync. */
    static async register(baseUrl, name) {
        const door = sdk.createClient({ baseUrl });
        const session = await door.registerRequest({
            username: name,
            password: PASSWORD,
            auth: { type: "m.login.dummy" },
            initial_device_display_name: `${name}'s browser`,
        });
        const person = new Person();
        person.name = name;
        person.id = session.user_id;
        person.client = sdk.createClient({
            baseUrl,
            userId: session.user_id,
            deviceId: session.device_id,
            accessToken: session.access_token,
            cryptoCallbacks: {},
        });
        await person.client.initRustCrypto({ useIndexedDB: false });
        person.crypto = person.client.getCrypto();
        await person.client.startClient({
            initialSyncLimit: 50,
            pollTimeout: 10_000,
            pendingEventOrdering: sdk.PendingEventOrdering.Detached,
        });
        await until(`${name}'s first sync`, [[person.client, sdk.ClientEvent.Sync]], () => person.client.isInitialSyncComplete());
        return person;
    }

    /** Makes a cross-signing identity, with the password where the server asks for it. */
    async crossSign() {
        await this.crypto.bootstrapCrossSigning({
            authUploadDeviceSigningKeys: (upload) =>
                upload(null).catch((error) =>
                    upload({
                        type: "m.login.password",
                        session: error.data?.session,
                        identifier: { type: "m.id.user", user: this.id },
                        password: PASSWORD,
                    }),
                ),
        });
    }

    /** Waits until the other's identity is here: the news of it comes by sync, the keys by a query after it. */
    hasKeysOf(other) {
        const events = [[this.client, CryptoEvent.UserTrustStatusChanged], [this.client, CryptoEvent.DevicesUpdated], [this.client, sdk.ClientEvent.Sync]];
        return until(`the keys of ${other.name} at ${this.name}`, events, () => this.crypto.userHasCrossSigningKeys(other.id, true));
    }

    room(roomId) {
        return until(`room ${roomId}`, [[this.client, sdk.ClientEvent.Room], [this.client, sdk.ClientEvent.Sync]], () =>
            this.client.getRoom(roomId),
        );
    }

    /** Waits for `membership` of `userId` in the room, as this person sees it. */
    async sees(roomId, userId, membership) {
        const room = await this.room(roomId);
        const events = [[this.client, sdk.RoomStateEvent.Members], [this.client, sdk.RoomEvent.MyMembership], [this.client, sdk.ClientEvent.Sync]];
        await until(`${userId} to ${membership}`, events, () => room.getMember(userId)?.membership === membership);
    }

    /** All messages of the room's live timeline, in order; `null` where one cannot be read. */
    messages(roomId) {
        const events = this.client.getRoom(roomId)?.getLiveTimeline().getEvents() ?? [];
        return events
            .filter((event) => ["m.room.message", "m.room.encrypted"].includes(event.getType()))
            .filter((event) => !event.getContent().msgtype?.startsWith("m.key.verification"))
            .map((event) => (event.isDecryptionFailure() || event.isBeingDecrypted() ? null : event));
    }

    /** Waits until this person can read a message with this text; gives its event. */
    reads(roomId, text) {
        const events = [[this.client, sdk.RoomEvent.Timeline], [this.client, sdk.MatrixEventEvent.Decrypted], [this.client, sdk.ClientEvent.Sync]];
        return until(`"${text}" at ${this.name}`, events, () =>
            this.messages(roomId).find((event) => event && event.getContent().body === text && !event.status),
        );
    }

    /** Sends a text, trying again with the same transaction id while the server is away. */
    async say(roomId, text) {
        const txn = `${this.name}-${text.replaceAll(" ", "-")}`;
        return this.client.sendMessage(roomId, { msgtype: "m.text", body: text }, txn);
    }

    /** Waits until the other's identity is trusted: the signatures come back by sync. */
    trusts(other) {
        const events = [[this.client, CryptoEvent.UserTrustStatusChanged], [this.client, CryptoEvent.DevicesUpdated], [this.client, sdk.ClientEvent.Sync]];
        return until(`${this.name}'s trust in ${other.name}`, events, async () => {
            const user = await this.crypto.getUserVerificationStatus(other.id);
            const device = await this.crypto.getDeviceVerificationStatus(other.id, other.client.getDeviceId());
            return user.isCrossSigningVerified() && device?.signedByOwner && device.crossSigningVerified;
        });
    }

    async stop() {
        this.client.stopClient();
    }
}

/** Compares short strings (SAS) between two people, and confirms on both sides. */
export async function verifyEachOther(first, second, roomId) {
    const arrives = new Promise((resolve) => second.client.once(CryptoEvent.VerificationRequestReceived, resolve));
    const asked = await first.crypto.requestVerificationDM(second.id, roomId);
    const received = await within("the verification request", arrives);
    await received.accept();
    await phase(asked, VerificationPhase.Ready);
    const firstVerifier = await asked.startVerification("m.sas.v1");
    await phase(received, VerificationPhase.Started);
    const secondVerifier = received.verifier;
    const shown = [firstVerifier, secondVerifier].map((verifier) => {
        const sas = new Promise((resolve) => verifier.once(VerifierEvent.ShowSas, resolve));
        return { sas, done: verifier.verify() };
    });
    const [left, right] = await within("the short strings", Promise.all(shown.map(({ sas }) => sas)));
    const same = JSON.stringify(left.sas.emoji) === JSON.stringify(right.sas.emoji) && left.sas.emoji?.length === 7;
    if (!same) throw new Error(`short strings differ: ${JSON.stringify([left.sas, right.sas])}`);
    await Promise.all([left.confirm(), right.confirm()]);
    await within("the end of the verification", Promise.all(shown.map(({ done }) => done)));
}

function phase(request, wanted) {
    return until(`phase ${wanted} of the verification`, [[request, VerificationRequestEvent.Change]], () => {
        if (request.phase === VerificationPhase.Cancelled) throw new Error("the verification was cancelled");
        return request.phase >= wanted;
    });
}

/** A promise with a deadline. */
export function within(what, promise) {
    let late;
    const deadline = new Promise((_, reject) => {
        late = setTimeout(() => reject(new Error(`${what} did not come within ${WAIT_MS} ms`)), WAIT_MS);
    });
    return Promise.race([promise, deadline]).finally(() => clearTimeout(late));
}
