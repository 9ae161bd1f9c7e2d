// PEM files that change while they are used: certificate and key are renewed one after the other, and until they belong together the
// last good ones serve.
import type { Log } from "../../base/log.ts";
import { checkPems, type PemFiles, type Pems, readCheckedPems, readPems } from "./pem-files.ts";

const PARTS = ["ca", "cert", "key", "crl"] as const;

/** Reads the files at each call; the same object while they say the same. The first read is made here. InputError of `readCheckedPems`. */
export function renewingPems(files: PemFiles, log: Log): () => Pems {
  let pems = readCheckedPems(files);
  let told = "";
  return () => {
    try {
      const now = readPems(files);
      const isSame = PARTS.every((part) => String(pems[part]) === String(now[part]));
      if (!isSame) checkPems(files, now);
      told = "";
      if (isSame) return pems;
      pems = now;
      log.info("certificates renewed");
    } catch (error) {
      const reason = (error as Error).message;
      if (reason !== told) log.warn("certificates not renewed: the last good ones serve", { reason });
      told = reason;
    }
    return pems;
  };
}
