// Loaded into a daemon before its program (`node --import`): its wall clock is ahead by the milliseconds in the file that ROMANA_LAB_CLOCK
// names, read at the start and at SIGUSR2. As when somebody sets the clock of a machine; the monotonic clock goes on.
import { readFileSync } from "node:fs";

const path = process.env["ROMANA_LAB_CLOCK"] ?? "";
const now = Date.now.bind(Date);
let ahead = 0;
const read = (): void => {
  ahead = Number(readFileSync(path, "utf8"));
};
read();
process.on("SIGUSR2", read);
Date.now = () => now() + ahead;
