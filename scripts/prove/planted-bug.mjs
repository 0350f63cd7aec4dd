// The shape of a planted bug.

/** `name` is of the test file that must find it; `edits`, each what stands there and what takes its place, white space and quotes aside. */
export function bug(name, edits) {
  return { by: [`test/${name}.test.ts`], edits }
}
