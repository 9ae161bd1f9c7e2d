// The import law of ARCHITECTURE.md, checked by `npm run check` and by test/repo/boundaries.test.ts (with fixtures it must reject).
const coreRanks = [
  ["net"],
  ["model", "netlink"],
  ["api", "topology", "nft"],
  ["policy"],
  ["ipam", "vip"],
  ["desired"],
  ["bird", "vpc", "dns", "simulate"],
];

const noUpward = coreRanks.slice(0, -1).map((folders, rank) => ({
  name: `core-rank-${rank + 1}`,
  comment: "core folders import only folders of a lower rank",
  severity: "error",
  from: { path: `^src/core/(${folders.join("|")})/` },
  to: {
    path: `^src/core/(${coreRanks
      .slice(rank + 1)
      .flat()
      .join("|")})/`,
  },
}));
const noSibling = coreRanks.flatMap((folders) =>
  folders.map((folder) => ({
    name: `core-sibling-${folder}`,
    comment: "core folders of one rank do not import each other",
    severity: "error",
    from: { path: `^src/core/${folder}/` },
    to: { path: `^src/core/(${folders.filter((other) => other !== folder).join("|") || "none"})/` },
  })),
);
// What only tests import: they themselves and the fixtures beside them.
const tests = "\\.test\\.ts$|/testdata/";

export default {
  forbidden: [
    {
      name: "no-circular",
      severity: "error",
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
    { name: "resolvable", severity: "error", from: {}, to: { couldNotResolve: true } },
    {
      name: "base-imports-nothing",
      severity: "error",
      from: { path: "^src/base/", pathNot: tests },
      to: { path: "^src/(core|io|apps)/" },
    },
    {
      name: "core-imports-base-and-core",
      severity: "error",
      from: { path: "^src/core/", pathNot: tests },
      to: { path: "^src/(io|apps)/" },
    },
    {
      name: "core-is-pure",
      comment: "no node module",
      severity: "error",
      from: { path: "^src/core/", pathNot: tests },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "core-has-no-npm",
      severity: "error",
      from: { path: "^src/core/", pathNot: tests },
      to: { path: "node_modules" },
    },
    ...noUpward,
    ...noSibling,
    {
      name: "io-takes-no-decisions",
      severity: "error",
      from: { path: "^src/io/", pathNot: tests },
      to: { path: "^src/(apps/|core/(?!net/|model/|api/|nft/|netlink/))" },
    },
    {
      name: "io-no-siblings",
      severity: "error",
      from: { path: "^src/io/([^/]+)/", pathNot: tests },
      to: { path: "^src/io/", pathNot: "^src/io/($1|files|protobuf)/" },
    },
    {
      name: "apps-are-islands",
      severity: "error",
      from: { path: "^src/apps/([^/]+)/", pathNot: tests },
      to: { path: "^src/apps/", pathNot: "^src/apps/$1/" },
    },
    {
      name: "src-imports-src",
      severity: "error",
      from: { path: "^src/", pathNot: tests },
      to: { path: "^(test|lab|bench|e2e)/" },
    },
    {
      name: "testdata-is-for-tests",
      comment: "fixtures are exempt from the law above, as nothing that ships may import them",
      severity: "error",
      from: { path: "^src/", pathNot: tests },
      to: { path: "/testdata/" },
    },
    {
      name: "ui-imports-little",
      severity: "error",
      from: { path: "^ui/" },
      to: { path: "^src/", pathNot: "^src/core/(net|model|api)/" },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: {
      extensions: [".ts", ".tsx", ".js", ".mjs"],
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "types", "default"],
    },
  },
};
