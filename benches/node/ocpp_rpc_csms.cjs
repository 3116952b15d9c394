// A CSMS on ocpp-rpc in its strict mode, which validates every message: OCPP 1.6, three actions.
const { RPCServer } = require("ocpp-rpc");

const port = Number(process.argv[process.argv.indexOf("--port") + 1]);
const server = new RPCServer({ protocols: ["ocpp1.6"], strictMode: true });
const now = () => new Date().toISOString();

server.on("client", (client) => {
    client.handle("BootNotification", () => ({ status: "Accepted", currentTime: now(), interval: 300 }));
    client.handle("Heartbeat", () => ({ currentTime: now() }));
    client.handle("MeterValues", () => ({}));
});

// It ends with the process that started it.
process.stdin.on("end", () => process.exit(0));
process.stdin.resume();
server.listen(port, "127.0.0.1").then(() => console.log("ready"));
