import { executedGuide } from "../../../test/support/guide.ts";

await executedGuide("addresses.md", 15);
