// What the SDK expects of a newer Node than the oldest one that this test runs on (18, which Debian
// 12 has). Imported first.
import { webcrypto } from "node:crypto";

globalThis.crypto ??= webcrypto;
if (!Promise.withResolvers) {
    Promise.withResolvers = () => {
        let resolve;
        let reject;
        const promise = new Promise((good, bad) => {
            resolve = good;
            reject = bad;
        });
        return { promise, resolve, reject };
    };
}

/** Writes one line for whoever runs this; the console belongs to the SDK. */
export function say(line) {
    process.stderr.write(`${line}\n`);
}

// The SDK and its WebAssembly log a lot, by several loggers that all end in the console.
if (!process.env.VERBOSE) {
    for (const level of ["trace", "debug", "log", "info", "warn", "error"]) console[level] = () => {};
}
