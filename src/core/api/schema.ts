// JSON Schemas (json-schema.org, 2020-12) as values that carry their TypeScript type: one schema validates, documents and types.
// Only the words that the API needs. Nothing is loaded for it: a library of schemas takes a fifth of the daemon's start.

declare const accepts: unique symbol;
const optionalField = Symbol("optional");

/** `Static<typeof schema>` is the type of what it accepts. */
export type Schema<T = unknown> = {
  readonly [word: string]: unknown;
  readonly [accepts]?: T;
};
export type Static<S> = S extends Schema<infer T> ? T : never;

type Optional<T> = Schema<T> & { readonly [optionalField]: true };
type Fields = Readonly<Record<string, Schema>>;
type NamesOf<F extends Fields, Kind> = { [K in keyof F]: F[K] extends Optional<unknown> ? Kind : never };
type Flat<T> = { [K in keyof T]: T[K] };
type ObjectOf<F extends Fields> = Flat<
  { [K in keyof F as NamesOf<F, K>[K] extends never ? K : never]: Static<F[K]> } & {
    [K in keyof F as NamesOf<F, K>[K] extends never ? never : K]?: Static<F[K]>;
  }
>;

type StringWords = {
  readonly minLength?: number;
  readonly maxLength?: number;
  /** Read with the `u` flag. */
  readonly pattern?: string;
  /** What is accepted, as an error tells it: "a name without spaces". */
  readonly description?: string;
};

/** Lengths are in code points. */
export const string = (words: StringWords = {}): Schema<string> => ({ type: "string", ...words });

export const integer = (
  words: { readonly minimum?: number; readonly maximum?: number } = {},
): Schema<number> => ({
  type: "integer",
  ...words,
});

export const number = (): Schema<number> => ({ type: "number" });

export const boolean = (): Schema<boolean> => ({ type: "boolean" });

export const anything = (): Schema => ({});

export const oneOf = <const T extends readonly string[]>(...values: T): Schema<T[number]> => ({
  type: "string",
  enum: values,
});

export const orNull = <T>(schema: Schema<T>): Schema<T | null> => ({ anyOf: [schema, { type: "null" }] });

export const array = <T>(
  items: Schema<T>,
  words: { readonly maxItems?: number; readonly description?: string } = {},
): Schema<T[]> => ({
  type: "array",
  items,
  ...words,
});

/** Any names, with values of one kind. */
export const record = <T>(values: Schema<T>): Schema<Record<string, T>> => ({
  type: "object",
  additionalProperties: values,
});

/** Fields that are not named here are let through and not read. */
export function object<F extends Fields>(properties: F): Schema<ObjectOf<F>> {
  const required = Object.keys(properties).filter((name) => !(optionalField in (properties[name] ?? {})));
  return { type: "object", properties, ...(required.length > 0 && { required }) };
}

/** A field of an object that need not be there. */
export const optional = <T>(schema: Schema<T>): Optional<T> => ({ ...schema, [optionalField]: true });
