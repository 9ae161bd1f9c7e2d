import assert from "node:assert/strict";
import { test } from "node:test";
import * as api from "./schema.ts";

/** What the type of a schema must be: this file does not compile where it is not. */
type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const isType = <_ extends true>(): void => undefined;

const person = api.object({
  name: api.string({ minLength: 1 }),
  age: api.optional(api.integer({ minimum: 0 })),
  state: api.oneOf("here", "gone"),
  friends: api.array(api.orNull(api.string()), { maxItems: 2 }),
  tags: api.optional(api.record(api.boolean())),
  more: api.anything(),
});

test("a schema is JSON Schema, and fields that are not optional are required", () => {
  assert.deepEqual(JSON.parse(JSON.stringify(person)), {
    type: "object",
    properties: {
      name: { type: "string", minLength: 1 },
      age: { type: "integer", minimum: 0 },
      state: { type: "string", enum: ["here", "gone"] },
      friends: { type: "array", items: { anyOf: [{ type: "string" }, { type: "null" }] }, maxItems: 2 },
      tags: { type: "object", additionalProperties: { type: "boolean" } },
      more: {},
    },
    required: ["name", "state", "friends", "more"],
  });
  assert.deepEqual(
    { ...api.object({ a: api.optional(api.string()) }) },
    {
      type: "object",
      properties: { a: api.optional(api.string()) },
    },
  );
});

test("a schema's type is that of what it accepts", () => {
  isType<
    Equal<
      api.Static<typeof person>,
      {
        name: string;
        age?: number;
        state: "here" | "gone";
        friends: (string | null)[];
        tags?: Record<string, boolean>;
        more: unknown;
      }
    >
  >();
});
