// What is made of an object that never changes is made once, and goes when that object does.

/** `make`, called once for each object; from then on the very same value is given again. */
export function memoize<Of extends object, Made extends object>(make: (of: Of) => Made): (of: Of) => Made {
  const made = new WeakMap<Of, Made>();
  return (of) => {
    const known = made.get(of);
    if (known) return known;
    const value = make(of);
    made.set(of, value);
    return value;
  };
}
