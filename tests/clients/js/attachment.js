// Encrypted attachments (client-server API, "Sending encrypted attachments"): AES-CTR with a fresh
// key, SHA-256 over the ciphertext.
import { strict as assert } from "node:assert";
import { webcrypto } from "node:crypto";

const { subtle } = webcrypto;
const COUNTER_BITS = 64;

const unpadded = (bytes) => Buffer.from(bytes).toString("base64").replace(/=+$/, "");

/** Gives the ciphertext and the `file` block of an event, which still lacks its `url`. */
export async function encrypt(clear) {
    const key = await subtle.generateKey({ name: "AES-CTR", length: 256 }, true, ["encrypt", "decrypt"]);
    // The lower half is the counter and starts at zero, so that it cannot overflow.
    const counter = new Uint8Array(16);
    webcrypto.getRandomValues(counter.subarray(0, 8));
    const cipher = new Uint8Array(await subtle.encrypt({ name: "AES-CTR", counter, length: COUNTER_BITS }, key, clear));
    const jwk = await subtle.exportKey("jwk", key);
    const file = {
        v: "v2",
        key: { alg: "A256CTR", ext: true, k: jwk.k, key_ops: ["encrypt", "decrypt"], kty: "oct" },
        iv: unpadded(counter),
        hashes: { sha256: unpadded(await subtle.digest("SHA-256", cipher)) },
    };
    return { cipher, file };
}

/** Checks the hash and gives the clear bytes. */
export async function decrypt(cipher, file) {
    assert.equal(unpadded(await subtle.digest("SHA-256", cipher)), file.hashes.sha256, "not the bytes that were sent");
    const key = await subtle.importKey("jwk", file.key, { name: "AES-CTR" }, false, ["decrypt"]);
    const counter = Buffer.from(file.iv, "base64");
    return new Uint8Array(await subtle.decrypt({ name: "AES-CTR", counter, length: COUNTER_BITS }, key, cipher));
}
