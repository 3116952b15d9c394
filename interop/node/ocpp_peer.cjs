// A station or a CSMS on ocpp-rpc that sends what it is told to and answers what it is told to. It talks as
// `ocpp_peer.py` does. In its strict mode it validates every message in both directions.
const readline = require("node:readline");
const { RPCClient, RPCServer } = require("ocpp-rpc");

const option = (name) => {
    const at = process.argv.indexOf(name);
    return at < 0 ? undefined : process.argv[at + 1];
};
const protocol = `ocpp${option("--version")}`;
const strictMode = process.argv.includes("--strict");
const answers = new Map();
let peer;

const emit = (event, fields = {}) => process.stdout.write(JSON.stringify({ event, ...fields }) + "\n");

function serve(client) {
    peer = client;
    client.handle(({ method, params }) => {
        emit("received", { action: method, payload: params });
        return answers.get(method);
    });
    // Why a message of ours or its own was refused.
    client.on("strictValidationFailure", ({ error }) => emit("invalid", { cause: String(error.message).slice(0, 600) }));
}

async function call(action, payload) {
    try {
        emit("answered", { action, payload: await peer.call(action, payload) });
    } catch (error) {
        const refusal = error.rpcErrorCode ? "refused" : "unable";
        emit(refusal, { action, code: error.rpcErrorCode, cause: String(error.message).slice(0, 600) });
    }
}

async function main() {
    const url = option("--url");
    if (url) {
        const client = new RPCClient({ endpoint: url, identity: "CS001", protocols: [protocol], strictMode, reconnect: false });
        serve(client);
        client.on("close", () => process.exit(1));
        await client.connect();
        emit("ready");
        emit("connected");
    } else {
        const server = new RPCServer({ protocols: [protocol], strictMode });
        server.on("client", (client) => {
            serve(client);
            emit("connected");
        });
        const http = await server.listen(0, "127.0.0.1");
        emit("ready", { port: http.address().port });
    }
    // It ends with the process that started it.
    for await (const line of readline.createInterface({ input: process.stdin })) {
        const { command, action, payload } = JSON.parse(line);
        if (command === "call") {
            await call(action, payload);
        } else {
            answers.set(action, payload);
            emit("noted", { action });
        }
    }
    process.exit(0);
}

main().catch((error) => {
    console.error(error);
    process.exit(1);
});
