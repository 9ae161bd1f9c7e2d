// The end of a restore: once nothing is waited for any more, the store itself says so, to all replicas and to those to come.
import { readImport, settleImport } from "../../io/store/store-state.ts";
import { adoptionView, type Daemon } from "./daemon.ts";

/** A restored store is as any other once all hosts have told what is alive, and stays so after a restart. */
export async function settle(daemon: Daemon): Promise<void> {
  const { adoption, store, log } = daemon;
  if (!adoption.unsettled) return;
  if (adoption.ready(adoptionView(daemon))) await settleImport(store);
  const { record } = await readImport(store);
  if (record?.state !== "settled") return;
  adoption.settle();
  log.info("restored store settled", record);
}
