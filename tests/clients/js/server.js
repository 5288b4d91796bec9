// The real server as a child process, on a free port and its own directory. Gone when the test ends.
import { say } from "./platform.js";

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

const READY_POLL_MS = 20;
const READY_POLLS_MAX = 3000;
const OUTPUT_CHARS_MAX = 64 * 1024;

async function freePort() {
    const socket = createServer().listen(0, "127.0.0.1");
    await once(socket, "listening");
    const { port } = socket.address();
    socket.close();
    await once(socket, "close");
    return port;
}

export class Server {
    output = "";
    child = null;

    /** Starts an empty server from the binary at `binary`. */
    static async start(binary) {
        const server = new Server();
        server.binary = binary;
        server.dir = await mkdtemp(join(tmpdir(), "chancery-js-"));
        server.port = await freePort();
        server.config = join(server.dir, "chancery.toml");
        await writeFile(
            server.config,
            [
                `[server]\nname = "localhost"\ndata_dir = ${JSON.stringify(join(server.dir, "data"))}`,
                `[listen]\nclient = "127.0.0.1:${server.port}"`,
                `[registration]\nmode = "open"`,
                `[limits]\nenabled = false\n`,
            ].join("\n"),
        );
        await server.launch();
        return server;
    }

    get url() {
        return `http://127.0.0.1:${this.port}`;
    }

    /** Starts the process on what is on disk and waits until it answers. */
    async launch() {
        const child = spawn(this.binary, ["serve", "--config", this.config], {
            stdio: ["ignore", "pipe", "pipe"],
        });
        this.child = child;
        this.ended = once(child, "exit");
        for (const pipe of [child.stdout, child.stderr]) {
            pipe.on("data", (text) => {
                this.output = (this.output + text).slice(-OUTPUT_CHARS_MAX);
            });
        }
        for (let poll = 0; poll < READY_POLLS_MAX; poll++) {
            if (child.exitCode !== null) throw new Error(`the server ended before it was ready:\n${this.output}`);
            const answer = await fetch(`${this.url}/health`).catch(() => null);
            if (answer?.ok) return;
            await pause(READY_POLL_MS);
        }
        throw new Error(`the server did not get ready:\n${this.output}`);
    }

    /** Ends the process as a power cut would, and waits until it is gone. */
    async kill9() {
        this.child.kill("SIGKILL");
        await this.ended;
        this.child = null;
    }

    /** Ends the process and removes its files; keeps them when `keep` says that they are needed. */
    async close(keep) {
        if (this.child?.exitCode === null) await this.kill9();
        if (keep) say(`--- output of the server ---\n${this.output}\n--- files in ${this.dir} ---`);
        else await rm(this.dir, { recursive: true, force: true });
    }
}
