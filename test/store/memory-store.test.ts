import { MemoryStore } from "../../src/store/memory-store.js";
import { describeAttributes } from "./describe-attributes.js";
import { describeStore } from "./describe-store.js";
import { describeTree } from "./describe-tree.js";

describeStore("memory", () => new MemoryStore());
describeTree("memory", () => new MemoryStore());
describeAttributes("memory", () => new MemoryStore());
