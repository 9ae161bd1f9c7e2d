// How schemas are put to use: they validate what comes in, and replies are made by typed code that needs none.
import buildAjvCompiler from "@fastify/ajv-compiler";
import type { FastifyServerOptions } from "fastify";

/** Nothing is changed to fit a schema. The schemas are our own: they need no check against the meta-schema at every start. */
const OPTIONS = {
  customOptions: {
    coerceTypes: false,
    removeAdditional: false,
    allErrors: true,
    // Errors carry the value and the schema that refused it.
    verbose: true,
    validateSchema: false,
    meta: false,
  },
};

type Factories = NonNullable<NonNullable<FastifyServerOptions["schemaController"]>["compilersFactory"]>;
type Validate = ((data: unknown) => boolean) & { errors?: unknown };
type Compile = (route: unknown) => Validate;

/** Typed by what they do: the framework's own types are those of one version of Ajv. */
export const schemaCompilers = {
  buildValidator(shared: object): (route: unknown) => Check {
    const compile = (buildAjvCompiler() as (shared: object, options: object) => Compile)(shared, OPTIONS);
    return (route) => compiledWhenUsed(() => compile(route));
  },
  // One compiled from each schema would only delay the start.
  buildSerializer: () => () => (data: unknown) => JSON.stringify(data),
} as unknown as Factories;

type Check = (data: unknown) => true | { readonly error: unknown };

/** To compile all routes is a fifth of the daemon's start, and most are seldom asked for. */
function compiledWhenUsed(compile: () => Validate): Check {
  let validate: Validate | undefined;
  return (data) => {
    validate ??= compile();
    return validate(data) || { error: validate.errors };
  };
}
