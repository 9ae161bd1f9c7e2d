// Policies in Romana's JSON, canonical or not, over the clusters of worlds.ts.
import fc from "fast-check";
import type { EndpointJson, PolicyJson, RuleJson } from "../../../src/core/policy/policy-document.ts";

const pick = <T>(...values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values);

const segment = fc.record({ segment_id: pick("s", "t") }, { requiredKeys: [] });
const podSelector = fc.record(
  {
    pod_selector: pick(
      { matchLabels: { app: "x" } },
      { matchExpressions: [{ key: "app", operator: "NotIn" as const, values: ["y", "x"] }] },
      { matchExpressions: [{ key: "romana.io/segment", operator: "Exists" as const }] },
      {},
    ),
  },
  { requiredKeys: [] },
);
const whose = fc.oneof(
  fc.record({ tenant_id: pick("a", "b", "c") }),
  fc.record({ namespace_selector: pick({}, { matchLabels: { team: "x" } }) }),
);
const pods: fc.Arbitrary<EndpointJson> = fc
  .tuple(whose, segment, podSelector)
  .map((parts) => Object.assign({}, ...parts) as EndpointJson);

const subject: fc.Arbitrary<EndpointJson> = fc.oneof(
  { weight: 4, arbitrary: pods },
  { weight: 1, arbitrary: pick<EndpointJson>({ dest: "host" }, { dest: "local" }) },
  { weight: 1, arbitrary: pick<EndpointJson>({ cidr: "10.0.0.0/29" }, { cidr: "fd00::5/128" }) },
);
const peer: fc.Arbitrary<EndpointJson> = fc.oneof(
  pods,
  pick<EndpointJson>({ peer: "any" }, { peer: "host" }, { peer: "local" }),
  pick<EndpointJson>(
    { cidr: "10.0.0.4/30" },
    { cidr: "10.0.0.0/28", except: ["10.0.0.0/30", "10.0.0.2/31"] },
    { cidr: "fd00::/124", except: ["fd00::4/126"] },
    { cidr: "192.0.2.0/24" },
  ),
);

const port = pick(80, 81, 8080, 65535);
const ports: fc.Arbitrary<RuleJson> = fc.record(
  {
    protocol: pick<RuleJson["protocol"]>("tcp", "udp", "sctp"),
    ports: fc.array(port, { minLength: 1, maxLength: 2 }),
    port_ranges: pick<[number, number][]>([[80, 81]], [[1, 65535]]),
    port_names: fc.array(pick("web", "dns"), { minLength: 1, maxLength: 2 }),
  },
  { requiredKeys: ["protocol"] },
);
const rule: fc.Arbitrary<RuleJson> = fc.oneof(
  { weight: 5, arbitrary: ports },
  {
    weight: 2,
    arbitrary: pick<RuleJson>(
      { protocol: "icmp" },
      { protocol: "icmp", icmp_type: 8 },
      { protocol: "icmp", icmp_type: 0, icmp_code: 0 },
      { protocol: "icmpv6", icmp_type: 128, icmp_code: 0 },
      { protocol: "any" },
    ),
  },
);

const policy = (id: string): fc.Arbitrary<PolicyJson> =>
  fc.record({
    id: fc.constant(id),
    description: pick("", "a wall"),
    direction: pick("ingress", "egress"),
    applied_to: fc.array(subject, { minLength: 1, maxLength: 2 }),
    ingress: fc.array(
      fc.record({
        peers: fc.array(peer, { minLength: 1, maxLength: 3 }),
        rules: fc.array(rule, { minLength: 1, maxLength: 3 }),
      }),
      { maxLength: 2 },
    ),
  });

/** Each with an id of its own, before and after those of Kubernetes (`kube.`) in order. */
export const ROMANA_IDS = ["deny", "wall 1", "zz"];
export const romanaPolicies: fc.Arbitrary<PolicyJson[]> = fc
  .tuple(...ROMANA_IDS.map((id) => fc.option(policy(id), { nil: undefined })))
  .map((list) => list.filter((each) => each !== undefined));
