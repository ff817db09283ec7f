import { testBank } from "./bank-run.js";

testBank({ journal: "delete", mapBytes: 0 }, { transfers: 10_000 });
