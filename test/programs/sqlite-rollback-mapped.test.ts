import { testBank } from "./bank-run.js";

testBank({ journal: "delete", mapBytes: 256 * 1024 * 1024 }, { transfers: 10_000 });
