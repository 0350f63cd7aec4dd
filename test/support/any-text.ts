/** Texts of any characters, for properties: no halves of pairs, which no encoding carries. */
import { fc } from './property.ts'

const SURROGATES = { first: 0xd800, count: 0x800 }

/** Not fast-check's own unit `binary`, which makes a table of all characters first: a second and 90 MB in each process. */
const character = fc
  .integer({ min: 0, max: 0x10ffff - SURROGATES.count })
  .map((at) => String.fromCodePoint(at < SURROGATES.first ? at : at + SURROGATES.count))

export function anyText(constraints: fc.StringConstraints = {}): fc.Arbitrary<string> {
  return fc.string({ ...constraints, unit: character })
}
