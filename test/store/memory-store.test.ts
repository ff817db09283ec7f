import { MemoryStore } from "../../src/store/memory-store.js";
import { describeStore } from "./describe-store.js";

describeStore("memory", () => new MemoryStore());
