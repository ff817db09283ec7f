import { testBank } from "./bank-run.js";

testBank({ journal: "wal", mapBytes: 0 }, { transfers: 10_000 });
