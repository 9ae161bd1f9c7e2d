// The file of static tokens: who shows which. Read again when it changes; never shows a token, not even in an error.
import { createHash, timingSafeEqual } from "node:crypto";
import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import { type Clock, Seconds } from "../../../base/clock.ts";
import { type Fault, InputError } from "../../../base/errors.ts";
import type { Log } from "../../../base/log.ts";
import { type Caller, isName, type Role, ROLES } from "./caller.ts";

const OPTION = "--token-file";
/** Characters of a token: 32 hex digits are 128 bits. */
const LEAST = 32;
const MOST = 4096;
/** How long a change may go unseen. */
const LOOK_EVERY = Seconds(1);
const OTHERS_READ_OR_WRITE = 0o006;

type Holder = { readonly digest: Buffer; readonly caller: Caller; readonly line: number };
/** By the digest in hex. What the look-up's time tells is about a digest, from which nobody gets to a token. */
type Holders = ReadonlyMap<string, Holder>;

export interface Tokens {
  callerOf(token: string): Caller | undefined;
}

/** InputError at the start; later the last good ones stay, with a warning, until the file is good again. */
export function openTokenFile(path: string, { clock, log }: { clock: Clock; log: Log }): Tokens {
  let content = readPrivately(path);
  let holders = parseTokens(content, path);
  let looked = clock.monotonic();
  let told = "";
  const renew = (): void => {
    looked = clock.monotonic();
    try {
      const now = readPrivately(path);
      if (now === content && told === "") return;
      holders = parseTokens(now, path);
      content = now;
      told = "";
      log.info("tokens renewed", { tokens: holders.size });
    } catch (error) {
      const reason = (error as Error).message;
      if (reason !== told) log.warn("tokens not renewed: the last good ones serve", { reason });
      told = reason;
    }
  };
  return {
    callerOf: (token) => {
      if (clock.monotonic() - looked >= LOOK_EVERY) renew();
      return holderOf(holders, token)?.caller;
    },
  };
}

function holderOf(holders: Holders, token: string): Holder | undefined {
  if (token.length > MOST) return undefined;
  const digest = sha256(token);
  const holder = holders.get(digest.toString("hex"));
  return holder && timingSafeEqual(holder.digest, digest) ? holder : undefined;
}

const sha256 = (token: string): Buffer => createHash("sha256").update(token).digest();

function readPrivately(path: string): string {
  let file: number | undefined;
  try {
    file = openSync(path, "r");
    const { mode } = fstatSync(file);
    if ((mode & OTHERS_READ_OR_WRITE) !== 0)
      throw fault(
        "TOKEN_FILE_OPEN",
        OPTION,
        path,
        "a file that others can neither read nor write (chmod o=)",
      );
    return readFileSync(file, "utf8");
  } catch (cause) {
    if (cause instanceof InputError) throw cause;
    const reason = (cause as NodeJS.ErrnoException).code ?? String(cause);
    throw fault("FILE", OPTION, path, `a readable file (${reason})`);
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/** Lines of `TOKEN ROLE NAME`; empty ones and those from `#` on are skipped. InputError with all that is wrong, by line. */
export function parseTokens(text: string, path: string): Holders {
  const holders = new Map<string, Holder>();
  const faults: Fault[] = [];
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    if (/^\s*(#|$)/.test(line)) continue;
    const field = `${OPTION} ${path}:${i + 1}`;
    const [secret = "", role = "", name = "", ...rest] = line.trim().split(/\s+/);
    const digest = digestOf(secret);
    const caller = rest.length === 0 ? callerFrom(role, name) : undefined;
    const twin = digest && holders.get(digest.toString("hex"));
    if (!digest) faults.push(hidden(field, TOKEN_FORM));
    else if (!caller) faults.push(hidden(field, LINE_FORM));
    else if (twin) faults.push(hidden(field, `another token than that of line ${twin.line}`));
    else holders.set(digest.toString("hex"), { digest, caller, line: i + 1 });
  }
  if (faults.length === 0 && holders.size === 0)
    faults.push({ code: "TOKEN_FILE", field: OPTION, value: path, expected: "at least one token" });
  if (faults.length > 0) throw new InputError(faults);
  return holders;
}

const TOKEN_FORM = `first a token of ${LEAST} to ${MOST} letters, digits and -._~+/=, or sha256: and 64 hex digits`;
const LINE_FORM = `TOKEN ROLE NAME, with ROLE one of ${ROLES.map((role) => (role === "tenant" ? "tenant:NAME" : role)).join(", ")}`;

/** The characters are those of RFC 6750, section 2.1: no `:` among them, so no token looks like a digest. */
function digestOf(secret: string): Buffer | undefined {
  const [, hex] = /^sha256:([0-9a-f]{64})$/i.exec(secret) ?? [];
  if (hex !== undefined) return Buffer.from(hex, "hex");
  const isToken = /^[\w.~+/-]+=*$/.test(secret) && secret.length >= LEAST && secret.length <= MOST;
  return isToken ? sha256(secret) : undefined;
}

function callerFrom(text: string, name: string): Caller | undefined {
  const [word = "", tenant = ""] = text.split(/:(.*)/s);
  const role: Role | undefined = ROLES.find((each) => each === word);
  if (role === undefined || !isName(name) || (role === "tenant") !== text.includes(":")) return undefined;
  if (role === "tenant" && !isName(tenant)) return undefined;
  return { name, role, owns: role === "node" ? name : tenant, by: "token" };
}

/** A line may hold a secret, wherever its parts stand. */
const hidden = (field: string, expected: string): Fault => ({
  code: "TOKEN_FILE",
  field,
  value: "(not shown)",
  expected,
});

const fault = (code: string, field: string, value: string, expected: string): InputError =>
  new InputError({ code, field, value, expected });
