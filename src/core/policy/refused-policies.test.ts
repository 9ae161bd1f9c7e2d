// What is told of a document of policies that cannot be read.
import assert from "node:assert/strict";
import { test } from "node:test";
import { describeFault } from "../../base/errors.ts";
import { parsePolicies } from "./parse-policies.ts";

const faultsOf = (document: unknown): string[] => {
  const result = parsePolicies(document);
  return result.kind === "invalid"
    ? result.faults.map((fault) => `${fault.code} ${describeFault(fault)}`)
    : [];
};

const target = { id: "p", applied_to: [{ tenant_id: "a" }] };
const withRule = (rule: unknown): unknown => ({
  ...target,
  ingress: [{ peers: [{ peer: "any" }], rules: [rule] }],
});
const withPeer = (peer: unknown): unknown => ({
  ...target,
  ingress: [{ peers: [peer], rules: [{ protocol: "any" }] }],
});
const refused: [name: string, document: unknown, faults: string[]][] = [
  ["no object", 5, ["OBJECT document: 5: expected a policy as {id, applied_to, ingress}"]],
  ["an empty list", [], ["LIST document: []: expected policies, at least one"]],
  [
    "an empty envelope",
    { securitypolicies: [] },
    ["LIST securitypolicies: []: expected policies, at least one"],
  ],
  [
    "no id and no target",
    {},
    [
      'POLICY_ID id: undefined: expected a name of 1 to 512 visible characters, no "/", not . or ..',
      "LIST applied_to: undefined: expected a list of targets, at least one",
    ],
  ],
  [
    "control characters in an id",
    { ...target, id: "a\u0000" },
    ['POLICY_ID id: "a\\u0000": expected a name of 1 to 512 visible characters, no "/", not . or ..'],
  ],
  [
    "the way up for an id",
    { ...target, id: ".." },
    ['POLICY_ID id: "..": expected a name of 1 to 512 visible characters, no "/", not . or ..'],
  ],
  [
    "one id twice",
    [target, { ...target }],
    ['DUPLICATE [1].id: "p": expected an id that no other policy here has'],
  ],
  [
    "an unknown field",
    { ...target, egress: [] },
    [
      "FIELD_UNKNOWN egress: []: expected one of id, description, direction, applied_to, ingress, name, tenant, tenant_id, segment, segment_id, peers, rules",
    ],
  ],
  [
    "the new and the old name of a field at once",
    { id: "p", name: "q", applied_to: [{ tenant_id: "a", tenant: "a" }] },
    [
      'FIELD_TWICE name: "q": expected id or name',
      'FIELD_TWICE applied_to[0].tenant: "a": expected tenant_id or tenant',
    ],
  ],
  [
    "two lists of rules",
    { ...target, ingress: [], peers: [{ peer: "any" }], rules: [{ protocol: "any" }] },
    ["FIELD_TWICE ingress: []: expected ingress, or peers and rules"],
  ],
  [
    "an unknown direction",
    { ...target, direction: "both" },
    ['DIRECTION direction: "both": expected ingress or egress'],
  ],
  [
    "a target that is two",
    { id: "p", applied_to: [{ dest: "host", tenant_id: "a" }] },
    [
      'ENDPOINT applied_to[0]: {"dest":"host","tenant_id":"a"}: expected one of dest, cidr, tenant_id or namespace_selector',
    ],
  ],
  [
    "a segment without a tenant",
    { id: "p", applied_to: [{ segment_id: "s" }] },
    [
      'ENDPOINT applied_to[0]: {"segment_id":"s"}: expected either tenant_id or namespace_selector ({} is every tenant)',
    ],
  ],
  [
    "an unknown dest",
    { id: "p", applied_to: [{ dest: "any" }] },
    ['DEST applied_to[0].dest: "any": expected host or local'],
  ],
  [
    "an unknown peer",
    withPeer({ peer: "all" }),
    ['PEER ingress[0].peers[0].peer: "all": expected any, host or local'],
  ],
  [
    "a peer that is nobody",
    withPeer({}),
    ["ENDPOINT ingress[0].peers[0]: {}: expected one of peer, cidr, tenant_id or namespace_selector"],
  ],
  [
    "host bits, and an exception that is outside",
    withPeer({ cidr: "10.0.0.0/8", except: ["11.0.0.0/16", "10.0.0.1/8", "::/0"] }),
    [
      'CIDR_EXCEPT ingress[0].peers[0].except[0]: "11.0.0.0/16": expected a prefix inside cidr',
      'CIDR_HOST_BITS ingress[0].peers[0].except[1]: "10.0.0.1/8": expected no host bits, as 10.0.0.0/8',
      'CIDR_EXCEPT ingress[0].peers[0].except[2]: "::/0": expected a prefix inside cidr',
    ],
  ],
  [
    "except without cidr",
    withPeer({ peer: "any", except: [] }),
    ["ENDPOINT_MIXED ingress[0].peers[0].except: []: expected a cidr beside it"],
  ],
  [
    "lists that are empty, as they could mean all or none",
    { ...target, ingress: [{ peers: [], rules: [{ protocol: "tcp", ports: [] }] }] },
    [
      "LIST ingress[0].peers: []: expected a list of peers ({peer: any} for all), at least one",
      "LIST ingress[0].rules[0].ports: []: expected at least one; left out, all ports are meant",
    ],
  ],
  [
    "port 0, port 65536, a fraction, a text",
    withRule({ protocol: "tcp", ports: [0, 65536, 1.5, "80"] }),
    [0, 65536, 1.5, '"80"'].map(
      (value, i) =>
        `PORT ingress[0].rules[0].ports[${i}]: ${value}: expected a port, a whole number from 1 to 65535`,
    ),
  ],
  [
    "ranges that are none",
    withRule({ protocol: "udp", port_ranges: [[10, 4], [1], [3, 65536]] }),
    [
      "PORT_RANGE ingress[0].rules[0].port_ranges[0]: [10,4]: expected the lower port first",
      "PORT_RANGE ingress[0].rules[0].port_ranges[1]: [1]: expected two ports as [8000, 8080]",
      "PORT ingress[0].rules[0].port_ranges[2][1]: 65536: expected a port, a whole number from 1 to 65535",
    ],
  ],
  [
    "an unknown protocol, and none",
    { ...target, ingress: [{ peers: [{ peer: "any" }], rules: [{ protocol: "gre" }, {}] }] },
    [
      'PROTOCOL ingress[0].rules[0].protocol: "gre": expected any, tcp, udp, sctp, icmp or icmpv6',
      "PROTOCOL ingress[0].rules[1].protocol: undefined: expected any, tcp, udp, sctp, icmp or icmpv6",
    ],
  ],
  [
    "ports of ICMP, an ICMP type of TCP, ports of everything",
    {
      ...target,
      ingress: [
        {
          peers: [{ peer: "any" }],
          rules: [
            { protocol: "icmp", ports: [1] },
            { protocol: "tcp", icmp_type: 1 },
            { protocol: "any", ports: [1] },
          ],
        },
      ],
    },
    [
      "RULE_MIXED ingress[0].rules[0].ports: [1]: expected nothing: only tcp, udp and sctp have ports",
      "RULE_MIXED ingress[0].rules[1].icmp_type: 1: expected nothing but with protocol icmp or icmpv6",
      "RULE_MIXED ingress[0].rules[2].ports: [1]: expected nothing with protocol any",
    ],
  ],
  [
    "an ICMP code without its type, a type that is no byte",
    {
      ...target,
      ingress: [
        {
          peers: [{ peer: "any" }],
          rules: [
            { protocol: "icmp", icmp_code: 0 },
            { protocol: "icmp", icmp_type: 256 },
          ],
        },
      ],
    },
    [
      "ICMP ingress[0].rules[0].icmp_code: 0: expected an icmp_type beside it",
      "ICMP ingress[0].rules[1].icmp_type: 256: expected a whole number from 0 to 255",
    ],
  ],
  [
    "a name of a port that is none",
    withRule({ protocol: "tcp", port_names: ["Web", "80", "a--b", "sixteen-letters-"] }),
    ["Web", "80", "a--b", "sixteen-letters-"].map(
      (value, i) =>
        `PORT_NAME ingress[0].rules[0].port_names[${i}]: "${value}": expected a port's name: up to 15 of a-z, 0-9 and -, a letter among them`,
    ),
  ],
  [
    "a selector that is none",
    withPeer({
      tenant_id: "a",
      pod_selector: {
        matchLabels: { "a b": "x", ok: 5 },
        matchExpressions: [
          { key: "k", operator: "Equals", values: [] },
          { key: "k", operator: "In" },
          { key: "k", operator: "Exists", values: ["v"] },
        ],
      },
    }),
    [
      'LABEL_KEY ingress[0].peers[0].pod_selector.matchLabels.a b: "a b": expected a label\'s key as app or example.org/app',
      "LABEL_VALUE ingress[0].peers[0].pod_selector.matchLabels.ok: 5: expected a label's value as text",
      'SELECTOR_OPERATOR ingress[0].peers[0].pod_selector.matchExpressions[0].operator: "Equals": expected In, NotIn, Exists or DoesNotExist',
      "SELECTOR_VALUES ingress[0].peers[0].pod_selector.matchExpressions[1].values: undefined: expected at least one value with In",
      'SELECTOR_VALUES ingress[0].peers[0].pod_selector.matchExpressions[2].values: ["v"]: expected no values with Exists',
    ],
  ],
  [
    "is_stateful that is no truth value, a description that is no text",
    {
      ...target,
      description: 5,
      ingress: [{ peers: [{ peer: "any" }], rules: [{ protocol: "tcp", is_stateful: "yes" }] }],
    },
    [
      "DESCRIPTION description: 5: expected a text of at most 1024 characters",
      'BOOLEAN ingress[0].rules[0].is_stateful: "yes": expected true or false',
    ],
  ],
];
for (const [name, document, faults] of refused)
  test(`refused, with every fault, its place and what was expected: ${name}`, () => {
    assert.deepEqual(faultsOf(document), faults);
  });

test("of a document full of faults the first 500 are told", () => {
  const rules = Array.from({ length: 1000 }, () => ({ protocol: "gre" }));
  assert.equal(faultsOf({ ...target, ingress: [{ peers: [{ peer: "any" }], rules }] }).length, 500);
});
