import { startHome } from "../../src/home/index.js";

// A process with a home in it: FOLDER, and how it ends.
const [folder, way] = process.argv.slice(2);
const home = await startHome({ folder, listen: "127.0.0.1:0" });
home.on("warning", (message) => process.stdout.write(`warning ${message}\n`));
process.stdout.write(`port ${home.port}\n`);
const { memory } = await home.status();
process.stdout.write(`resident ${memory.residentBytes}\n`);

if (way === "close") await home.close();
else if (way === "exit") process.exit(3);
else if (way === "unref") home.unref();
else if (way === "throw") throw new Error("of the program");
