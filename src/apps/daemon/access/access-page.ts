// docs/reference/access.md, made of the table. `npm run docs:access` writes it; a test says whether it is the present one.
import { ACCESS, describeGrant } from "./access-table.ts";
import { ORGANISATIONS, ROLES } from "./caller.ts";

export function accessPage(): string {
  const head = `| route | ${ROLES.join(" | ")} |\n|---|${"---|".repeat(ROLES.length)}`;
  const lines = [...ACCESS].map(([route, { open, grants }]) => {
    const cells = ROLES.map((role) => (open ? "anybody" : grants[role] ? describeGrant(grants[role]) : ""));
    return `| \`${route.replaceAll(/:(\w+)/g, "{$1}")}\` | ${cells.join(" | ")} |`;
  });
  const organisations = [...ORGANISATIONS].map(([name, role]) => `| \`O=${name}\` | ${role} |`);
  return [
    INTRODUCTION,
    "| certificate | role |\n|---|---|",
    ...organisations,
    "",
    MEANING,
    head,
    ...lines,
    "",
  ].join("\n");
}

const INTRODUCTION = `# Who may do what

Made from \`src/apps/daemon/access/access-table.ts\` by \`npm run docs:access\`; the checks and \`x-roles\` of \`/openapi.json\` come from the same table. Why it is so: [security](../design/security.md).
`;
const MEANING = `\`all\`: everything. \`own\`: what is not the caller's is left out, or unknown to it. With a place: what the request names there must be the caller's own: the host of a node, the tenant of a tenant's. Empty: 403. \`anybody\`: without a credential. \`HEAD\` is as \`GET\`.
`;
