import tseslint from "typescript-eslint";

const timers = ["setTimeout", "setInterval", "setImmediate"].map((name) => ({
  name,
  message: "take a Clock (src/base/clock.ts)",
}));
const clocks = [
  { object: "Date", property: "now", message: "take a Clock (src/base/clock.ts)" },
  { object: "performance", property: "now", message: "take a Clock (src/base/clock.ts)" },
  { object: "Math", property: "random", message: "take an Rng (src/base/clock.ts)" },
];

export default tseslint.config(
  { ignores: ["dist/**", "build/**", "node_modules/**", "**/fixtures/**", "**/*.mjs", "**/*.js"] },
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/no-non-null-assertion": "error",
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/switch-exhaustiveness-check": [
        "error",
        { considerDefaultExhaustiveForUnions: true },
      ],
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      "@typescript-eslint/require-await": "off",
      "@typescript-eslint/only-throw-error": "error",
      "no-empty": ["error", { allowEmptyCatch: false }],
      "no-restricted-syntax": ["error", { selector: "ExportDefaultDeclaration", message: "export by name" }],
    },
  },
  {
    files: ["src/**/*.ts"],
    ignores: ["**/*.test.ts", "src/base/clock.ts"],
    rules: {
      "no-restricted-globals": ["error", ...timers],
      "no-restricted-properties": ["error", ...clocks],
    },
  },
  {
    files: ["**/*.test.ts", "**/*.lab.ts", "bench/**/*.ts", "test/**/*.ts", "e2e/**/*.ts"],
    rules: {
      "@typescript-eslint/no-floating-promises": [
        "error",
        {
          allowForKnownSafeCalls: [
            {
              from: "package",
              name: ["test", "it", "describe", "suite", "before", "after", "beforeEach", "afterEach"],
              package: "node:test",
            },
          ],
        },
      ],
    },
  },
  { files: ["test/support/no-skip-reporter.ts"], rules: { "no-restricted-syntax": "off" } },
);
