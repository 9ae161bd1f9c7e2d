// `romana backup FILE`.
import type { Command } from "commander";
import { saveBackup } from "../../../io/store/backup/backup-file.ts";
import type { Context } from "../context.ts";
import type { Action } from "./action.ts";

export function backupCommand(program: Command, action: Action): void {
  program
    .command("backup")
    .argument("<file>", "takes its name when it is whole; what had that name is replaced")
    .description("save all records of the running daemon's store at one revision")
    .action(action(backup));
}

async function backup({ client, tell }: Context, file: string): Promise<void> {
  const { header, entries } = await saveBackup(file, client.download("/backup"));
  const { cluster, revision, taken } = header;
  tell(
    { file, entries, ...header },
    `${file} holds ${entries} records, cluster ${cluster} at revision ${revision}, ${taken}`,
  );
}
