// Two people on matrix-js-sdk with its real encryption: they register, verify each other and talk
// in an encrypted room; the server is killed in the middle and comes back. Nothing that was
// acknowledged may be missing at the other, nothing may be there twice, nothing unreadable.
//
//   CHANCERY=path/to/chancery npm test      (VERBOSE=1 shows the SDK's log)
import { say } from "./platform.js";

import { strict as assert } from "node:assert";
import * as sdk from "matrix-js-sdk";

import { decrypt, encrypt } from "./attachment.js";
import { Person, until, verifyEachOther } from "./person.js";
import { Server } from "./server.js";

function step(what) {
    say(`- ${what}`);
}

async function meet(alice, bob) {
    const { room_id: room } = await alice.client.createRoom({
        preset: sdk.Preset.TrustedPrivateChat,
        is_direct: true,
        invite: [bob.id],
        initial_state: [{ type: "m.room.encryption", state_key: "", content: { algorithm: "m.megolm.v1.aes-sha2" } }],
    });
    await bob.sees(room, bob.id, "invite");
    await bob.client.joinRoom(room);
    await alice.sees(room, bob.id, "join");
    await bob.sees(room, alice.id, "join");
    return room;
}

async function verify(alice, bob, room) {
    await alice.crossSign();
    await bob.crossSign();
    await Promise.all([alice.hasKeysOf(bob), bob.hasKeysOf(alice)]);
    await verifyEachOther(alice, bob, room);
    await Promise.all([alice.trusts(bob), bob.trusts(alice)]);
}

async function sendFile(from, to, room) {
    const clear = new Uint8Array(150_000).map((_, index) => index % 251);
    const { cipher, file } = await encrypt(clear);
    const { content_uri: url } = await from.client.uploadContent(cipher, { type: "application/octet-stream", includeFilename: false });
    await from.client.sendMessage(room, { msgtype: "m.file", body: "charter.pdf", info: { size: clear.length }, file: { ...file, url } });
    const event = await to.reads(room, "charter.pdf");
    const http = to.client.mxcUrlToHttp(event.getContent().file.url, undefined, undefined, undefined, false, true, true);
    const answer = await fetch(http, { headers: { Authorization: `Bearer ${to.client.getAccessToken()}` } });
    assert.equal(answer.status, 200);
    assert.deepEqual(await decrypt(new Uint8Array(await answer.arrayBuffer()), event.getContent().file), clear);
}

async function typing(from, to, room) {
    const events = [[to.client, sdk.RoomMemberEvent.Typing]];
    const typing = () => to.client.getRoom(room).getMember(from.id).typing;
    await from.client.sendTyping(room, true, 30_000);
    await until("typing", events, typing);
    await from.client.sendTyping(room, false, 0);
    await until("the end of typing", events, () => !typing());
}

async function receipt(from, to, room, text) {
    const event = await from.reads(room, text);
    await from.client.sendReadReceipt(event);
    await until("the receipt", [[to.client, sdk.RoomEvent.Receipt]], () =>
        to.client.getRoom(room).hasUserReadEvent(from.id, event.getId()),
    );
}

/** Kills the server while a message is on its way, and brings it back. The SDK sends again. */
async function cut(server, alice, room, text) {
    const sending = alice.say(room, text).then(
        (answer) => answer,
        (error) => error,
    );
    await server.kill9();
    await server.launch();
    const outcome = await sending;
    if (outcome.event_id) return outcome.event_id;
    // The SDK gave up: the person presses "send again", which keeps the transaction id.
    const local = alice.client.getRoom(room);
    const unsent = local.getPendingEvents().find((event) => event.getContent().body === text || event.getClearContent()?.body === text);
    assert.ok(unsent, `neither sent nor pending: ${outcome}`);
    const { event_id: id } = await alice.client.resendEvent(unsent, local);
    return id;
}

async function talk(alice, bob, room, from, count) {
    const said = [];
    for (let number = from; number < from + count; number++) {
        for (const [one, other] of [[alice, bob], [bob, alice]]) {
            const text = `${one.name} ${number}`;
            const { event_id: id } = await one.say(room, text);
            const event = await other.reads(room, text);
            assert.equal(event.getId(), id);
            assert.ok(event.isEncrypted(), `${text} went in clear`);
            said.push(text);
        }
    }
    return said;
}

async function conversation(server) {
    const [alice, bob] = await Promise.all(["alice", "bob"].map((name) => Person.register(server.url, name)));
    try {
        step("both are registered");
        const room = await meet(alice, bob);
        step("they share an encrypted room");
        await verify(alice, bob, room);
        step("they have verified each other");
        const said = await talk(alice, bob, room, 0, 3);
        await sendFile(alice, bob, room);
        said.push("charter.pdf");
        await typing(bob, alice, room);
        await receipt(bob, alice, room, "alice 2");
        step("text, file, typing and receipt have arrived");
        const id = await cut(server, alice, room, "in the dark");
        assert.equal((await bob.reads(room, "in the dark")).getId(), id);
        said.push("in the dark");
        step("the server was killed and is back");
        said.push(...(await talk(alice, bob, room, 10, 3)));
        await sendFile(bob, alice, room);
        said.push("charter.pdf");
        await typing(alice, bob, room);
        await receipt(alice, bob, room, "bob 12");
        for (const person of [alice, bob]) {
            const bodies = person.messages(room).map((event) => event && event.getContent().body);
            assert.deepEqual(bodies, said, `at ${person.name}`);
        }
        step("nothing is missing, doubled, out of order or unreadable");
    } finally {
        await Promise.all([alice.stop(), bob.stop()]);
    }
}

const binary = process.env.CHANCERY;
if (!binary) {
    say("set CHANCERY to the server's binary");
    process.exit(2);
}
const server = await Server.start(binary);
let failed = true;
try {
    await conversation(server);
    failed = false;
} catch (error) {
    say(error.stack ?? String(error));
} finally {
    await server.close(failed);
}
process.exit(failed ? 1 : 0);
