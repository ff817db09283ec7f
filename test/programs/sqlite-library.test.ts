import { testBank } from "./bank-run.js";
import { SqliteLibrary } from "./sqlite-library.js";

testBank(
  { journal: "wal", mapBytes: 256 * 1024 * 1024 },
  { transfers: 10_000, open: async (database, setup) => await SqliteLibrary.open(database, setup) },
);
