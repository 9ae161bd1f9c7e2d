import assert from "node:assert/strict";
import { test } from "node:test";
import { InputError } from "../../base/errors.ts";
import { readOptions } from "../../base/options.ts";
import { emptySnapshot } from "../../core/model/snapshot.ts";
import { parseCidr } from "../../core/net/cidr.ts";
import { parseIp } from "../../core/net/ip.ts";
import { metricsAddress } from "../../io/http/health-options.ts";
import { agentOptions, checkConfig, parseServiceRange, parseTags } from "./config.ts";
import { run } from "./main.ts";
import { overlapFault } from "./overlap.ts";

/** Each row: a command line, the code and the sentence that it is refused with. */
const refused: readonly (readonly [string, string, RegExp])[] = [
  ["--dry-run", "OPTION_VALUE", /^--dry-run: true: expected --once beside it$/],
  ["--sandbox-grace 0", "OPTION_VALUE", /^--sandbox-grace: "?0"?: expected at least 1s$/],
  ["--service-cluster-ip-range 10.0.0.1/8", "CIDR_HOST_BITS", /^--service-cluster-ip-range: "10.0.0.1\/8"/],
  ["--service-cluster-ip-range fd00::/64,nonsense", "CIDR", /^--service-cluster-ip-range: "nonsense"/],
  ["--daemon 10.0.0.1:9600", "DAEMON_URL", /^--daemon: "10.0.0.1:9600": expected an address as https:/],
  ["--tags rack", "TAG", /^--tags: "rack": expected key=value$/],
  ["--tags =a", "TAG", /^--tags: "=a": expected key=value$/],
  ["--daemon http://10.0.0.1:9600 --daemon-token-file /t", "DAEMON_PLAIN", /^daemon: .*: expected https/],
  ["--daemon https://10.0.0.1:9600 --daemon-cert /c", "PEM", /^--daemon-key: .*the key of --daemon-cert$/],
  ["--metrics :9607", "LISTEN_PLAIN", /^--metrics: ":9607": expected --tls-cert and --tls-key/],
  ["--metrics 0.0.0.0:9607", "LISTEN_PLAIN", /^--metrics/],
  ["--metrics [::1:9607", "LISTEN", /^--metrics: .*: expected ADDRESS:PORT$/],
  ["--metrics nine", "OPTION_VALUE", /^--metrics: "nine": expected ADDRESS:PORT or a port$/],
  ["--metrics :9607 --tls-cert /c", "PEM", /^--tls-key: /],
  ["--tls-crl /l --tls-cert /c --tls-key /k", "PEM", /^--tls-client-ca: /],
  ["--mtu 70000", "OPTION_VALUE", /^--mtu: "70000"/],
  ["--route-table-id 0", "OPTION_VALUE", /^--route-table-id: "0"/],
  ["--resync soon", "OPTION_VALUE", /^--resync: "soon"/],
  ["--nat-exceptions 10.0.0.0/8,10.0.0.1/8", "CIDR_HOST_BITS", /^--nat-exceptions: "10.0.0.1\/8"/],
  ["--policy maybe", "ARGUMENT", /^/],
  [
    "--failsafe-ports 22,0",
    "OPTION_VALUE",
    /^--failsafe-ports: "22,0": expected a list: each a whole number from 1/,
  ],
];
for (const [argv, code, message] of refused)
  test(`refused before anything is touched: ${argv}`, async () => {
    await assert.rejects(run(argv.split(" "), {}), (error) => {
      assert.ok(error instanceof InputError, String(error));
      assert.equal(error.code, code);
      assert.match(error.message, message);
      return true;
    });
  });

test("Romana v2's flags are read", () => {
  const argv = [
    "--hostname=n",
    "--link-name=eth1",
    "--route-table-id=20",
    "--multihop-blocks",
    "--metrics=0",
    "--mtu=1400",
  ];
  const config = readOptions(agentOptions, { argv, env: {}, envPrefix: "TEST" });
  assert.deepEqual(
    [
      config.hostname,
      config.linkName,
      config.routeTableId,
      config.multihopBlocks,
      config.metrics,
      config.mtu,
    ],
    ["n", "eth1", 20, true, "0", 1400],
  );
});

test("plain http off loopback is taken where nothing secret goes over it", () => {
  const argv = ["--daemon", "http://10.0.0.1:9600,http://127.0.0.1:9600"];
  checkConfig(readOptions(agentOptions, { argv, env: {}, envPrefix: "TEST" }));
});

/** What `--metrics` takes, and where it listens. */
const places: readonly (readonly [string, string])[] = [
  ["9607", "127.0.0.1:9607"],
  ["0", ""],
  ["127.0.0.1:9607", "127.0.0.1:9607"],
  ["[::1]:9607", "[::1]:9607"],
  [":9607 --insecure", ":9607"],
  ["10.0.0.1:9607 --tls-cert c --tls-key k", "10.0.0.1:9607"],
];
for (const [argv, address] of places)
  test(`--metrics ${argv}`, () => {
    const words = `--metrics ${argv}`.split(" ");
    const config = readOptions(agentOptions, { argv: words, env: {}, envPrefix: "TEST" });
    checkConfig(config);
    assert.equal(metricsAddress(config.metrics), address);
  });

test("labels of a node, with what looks like more than a key and a value", () => {
  assert.deepEqual(parseTags(["rack=1", "topology.kubernetes.io/zone=a=b", "empty="]), {
    rack: "1",
    "topology.kubernetes.io/zone": "a=b",
    empty: "",
  });
});

const network = (name: string, cidr: string) => ({ name, cidr: parseCidr(cidr), blockMask: 29, tenants: [] });
const overlapping: readonly (readonly [string, string, string | undefined])[] = [
  ["10.96.0.0/12", "apart", undefined],
  ["", "no range", undefined],
  ["10.0.0.0/8", "around a network", "network pods (10.112.0.0/12) overlaps the service range 10.0.0.0/8"],
  ["10.112.5.0/24", "inside", "network pods (10.112.0.0/12) overlaps the service range 10.112.5.0/24"],
  ["10.96.0.0/12,fd00::/108", "the second", "network six (fd00::/64) overlaps the service range fd00::/108"],
];
for (const [range, what, fault] of overlapping)
  test(`services and pods: ${what}`, () => {
    const networks = [network("pods", "10.112.0.0/12"), network("six", "fd00::/64")];
    const snapshot = { ...emptySnapshot, topology: { networks, trees: [] } };
    assert.equal(overlapFault(snapshot, { services: parseServiceRange(range), subnets: [] }), fault);
  });

test("pods, services and nodes: what overlaps is named", () => {
  const snapshot = {
    ...emptySnapshot,
    topology: { networks: [network("pods", "10.112.0.0/12")], trees: [] },
  };
  const ranges = (service: string, subnet: string) => ({
    services: parseServiceRange(service),
    subnets: [parseCidr(subnet)],
  });
  const apart = ranges("10.96.0.0/16", "192.168.0.0/24");
  assert.equal(overlapFault(snapshot, apart), undefined);
  assert.equal(
    overlapFault(snapshot, ranges("10.96.0.0/16", "10.112.1.0/24")),
    "network pods (10.112.0.0/12) overlaps this node's subnet 10.112.1.0/24",
  );
  assert.equal(
    overlapFault(snapshot, ranges("10.96.0.0/16", "10.96.4.0/24")),
    "the service range 10.96.0.0/16 overlaps this node's subnet 10.96.4.0/24",
  );
  const host = { name: "h2", ips: [parseIp("10.113.0.1")], tags: {}, agentPort: 0, k8sInfo: {}, groups: [] };
  assert.equal(
    overlapFault({ ...snapshot, hosts: new Map([["h2", host]]) }, apart),
    "network pods (10.112.0.0/12) has the address 10.113.0.1 of host h2 in it",
  );
});
