// `romana completion bash|zsh|fish`: prints the shell's script, which asks `romana completion -- …` for suggestions.
import tab from "@bomb.sh/tab/commander";
import type { Command } from "commander";

/** Adds the command to `program`, which has all its other commands by now. */
export function completionCommand(program: Command): void {
  tab(program, { completionCommandName: "completion" });
}
