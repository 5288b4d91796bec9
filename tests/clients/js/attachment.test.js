import { strict as assert } from "node:assert";
import { test } from "node:test";

import { decrypt, encrypt } from "./attachment.js";

test("what was encrypted comes back, and a changed byte does not", async () => {
    const clear = new TextEncoder().encode("a scan of a charter".repeat(1000));
    const { cipher, file } = await encrypt(clear);
    assert.notDeepEqual(cipher, clear);
    assert.deepEqual(await decrypt(cipher, file), clear);
    cipher[17] ^= 1;
    await assert.rejects(decrypt(cipher, file), /not the bytes/);
});
