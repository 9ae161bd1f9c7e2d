// Kubernetes' LabelSelector, as it stands in its NetworkPolicies and in Romana's: to requirements.
import type { Requirement } from "../model/policy.ts";
import { at, isRecord, type Place, readList, readRecord, type Report } from "../model/read-fields.ts";
import { requirement, requirements } from "./canonical.ts";

/** All requirements of the selector; an empty selector has none. What is at fault is reported and left out. */
export function readSelector(place: Place, report: Report): Requirement[] {
  const expected = "a label selector as {matchLabels, matchExpressions}";
  const item = readRecord(place, ["matchLabels", "matchExpressions"], expected, report);
  if (!item) return [];
  const expressions = readList(at(item, "matchExpressions", place.field), "a list of expressions", report);
  return requirements([
    ...readMatchLabels(at(item, "matchLabels", place.field), report),
    ...expressions.flatMap((each) => readExpression(each, report) ?? []),
  ]);
}

function readMatchLabels({ value, field }: Place, report: Report): Requirement[] {
  if (value === undefined || value === null) return [];
  if (isRecord(value))
    return Object.entries(value).map(([key, text]) => {
      const place = { value: text, field: `${field}.${key}` };
      return requirement(readKey({ value: key, field: place.field }, report), "In", [
        readValue(place, report),
      ]);
    });
  report({ code: "LABELS", field, value, expected: "labels as {key: text}" });
  return [];
}

function readExpression(place: Place, report: Report): Requirement | undefined {
  const expected = "an expression as {key, operator, values}";
  const item = readRecord(place, ["key", "operator", "values"], expected, report);
  if (!item) return undefined;
  const key = readKey(at(item, "key", place.field), report);
  const operator = readOperator(at(item, "operator", place.field), report);
  const list = at(item, "values", place.field);
  const texts = readList(list, "a list of label values", report).map((each) => readValue(each, report));
  const wantsValues = operator === "In" || operator === "NotIn";
  if (wantsValues && texts.length === 0)
    report({ code: "SELECTOR_VALUES", ...list, expected: `at least one value with ${operator}` });
  if (operator && !wantsValues && texts.length > 0)
    report({ code: "SELECTOR_VALUES", ...list, expected: `no values with ${operator}` });
  return operator && requirement(key, operator, wantsValues ? texts : []);
}

function readOperator({ value, field }: Place, report: Report): Requirement["operator"] | undefined {
  switch (value) {
    case "In":
    case "NotIn":
    case "Exists":
    case "DoesNotExist":
      return value;
    default:
      report({ code: "SELECTOR_OPERATOR", field, value, expected: "In, NotIn, Exists or DoesNotExist" });
      return undefined;
  }
}

const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;
const DNS_LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** Kubernetes' syntax of label keys: a name, perhaps behind a DNS name and a slash. "" when it is none. */
function readKey({ value, field }: Place, report: Report): string {
  if (typeof value === "string" && isKey(value)) return value;
  report({ code: "LABEL_KEY", field, value, expected: "a label's key as app or example.org/app" });
  return "";
}

function isKey(text: string): boolean {
  const [name = "", prefix, ...more] = text.split("/").reverse();
  if (!NAME.test(name) || more.length > 0) return false;
  return (
    prefix === undefined ||
    (prefix.length <= 253 && prefix.split(".").every((label) => DNS_LABEL.test(label)))
  );
}

/** Any text, as Kubernetes keeps old objects with values that no pod can have: they match none. */
function readValue({ value, field }: Place, report: Report): string {
  if (typeof value === "string") return value;
  report({ code: "LABEL_VALUE", field, value, expected: "a label's value as text" });
  return "";
}
