// `romana reservation …`.
import type { Command } from "commander";
import type { ReservationList, ReservationReply } from "../../../core/api/reservations.ts";
import type { Context } from "../context.ts";
import type { Column } from "../output.ts";
import { type Action, segmentOf } from "./action.ts";

const columns: readonly Column<ReservationList["reservations"][number]>[] = [
  ["Reservation", ({ cidr }) => cidr],
  ["Holder", ({ holder }) => holder ?? "-"],
  ["Network", ({ network }) => network ?? "-"],
  ["Group", ({ group }) => (group === undefined ? "-" : group || "/")],
  ["Reason", ({ reason }) => reason || "-"],
];

export function reservationCommands(program: Command, action: Action): void {
  const reservation = program
    .command("reservation")
    .description("addresses kept for a holder, or for requests by number");
  reservation.command("list").description("all reservations").action(action(list));
  reservation
    .command("add")
    .argument("<cidr-or-ip>", "given only to who asks for an address of it")
    .argument("[holder]", "keep the one address for this name, or pod as namespace/pod")
    .option("--reason <text>", "for people")
    .description("keep addresses out of the free choice")
    .action(action(add));
  reservation
    .command("remove")
    .argument("<cidr-or-ip>")
    .description("give the addresses to anybody again")
    .action(action(remove));
}

async function list({ client, show }: Context): Promise<void> {
  const reply = await client.request<ReservationList>("GET", "/reservations");
  show(reply, reply.reservations, columns);
}

async function add(
  { client, tell }: Context,
  cidr: string,
  holder: string | undefined,
  { reason }: { reason?: string },
): Promise<void> {
  const request = { cidr, ...(holder !== undefined && { holder }), ...(reason !== undefined && { reason }) };
  const reply = await client.request<ReservationReply>("POST", "/reservations", request);
  tell(
    reply,
    [`${reply.cidr} is reserved${holder === undefined ? "" : ` for ${holder}`}`, ...warnings(reply)].join(
      "\n",
    ),
  );
}

function warnings({ in_use, blocks }: ReservationReply): string[] {
  return [
    ...(in_use.length > 0 ? [`in use until released, by ${in_use.join(", ")}`] : []),
    ...(blocks.length > 0 ? [`only for their owners until they are empty: blocks ${blocks.join(", ")}`] : []),
  ];
}

async function remove({ client, tell }: Context, cidr: string): Promise<void> {
  const reply = await client.request<ReservationReply>("DELETE", `/reservations?cidr=${segmentOf(cidr)}`);
  tell(reply, `${reply.cidr} is reserved no longer`);
}
