import { executedGuide } from "../../../test/support/guide.ts";

await executedGuide("policy.md", 13);
