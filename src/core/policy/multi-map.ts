// Several values under one key; a key without values is not there.
export type MultiMap<T> = Map<string, Set<T>>;

export function addTo<T>(map: MultiMap<T>, key: string, value: T): void {
  const values = map.get(key);
  if (values) values.add(value);
  else map.set(key, new Set([value]));
}

export function removeFrom<T>(map: MultiMap<T>, key: string, value: T): void {
  const values = map.get(key);
  if (values?.delete(value) && values.size === 0) map.delete(key);
}
