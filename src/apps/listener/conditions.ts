// Lists inside an object of Kubernetes, and its conditions. What is not of the form is as absent.
import { isRecord, type Json } from "../../core/model/read-fields.ts";

export function recordsIn(value: unknown, field: string): Json[] {
  const list = isRecord(value) ? value[field] : undefined;
  return Array.isArray(list) ? list.filter(isRecord) : [];
}

/** "True", "False" or "Unknown"; `undefined`: nobody says. */
export function conditionOf(status: unknown, type: string): string | undefined {
  const is = recordsIn(status, "conditions").find((condition) => condition["type"] === type)?.["status"];
  return typeof is === "string" ? is : undefined;
}
