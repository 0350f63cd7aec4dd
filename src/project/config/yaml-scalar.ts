/** Single values in the manner of the program that wrote these files first: ASCII, quoted where YAML 1.1 would read something else. */

export type ScalarValue = string | number | null

/** On one line. */
export function scalarText(value: ScalarValue): string {
  if (value === null) return 'null'
  if (typeof value === 'number') return String(value)
  if (isPlain(value)) return value
  return /^[\x20-\x7e]*$/.test(value) ? `'${value.replaceAll("'", "''")}'` : escaped(value)
}

const WORD_OF_ITS_OWN = /^(?:y|n|yes|no|on|off|true|false|null)$/i

// Words, and versions of three numbers at least: one of two would be a number.
function isPlain(text: string): boolean {
  if (/^\d+(?:\.\d+){2,}[A-Za-z0-9.+-]*$/.test(text)) return true
  return /^[A-Za-z][A-Za-z0-9_.+-]*$/.test(text) && !WORD_OF_ITS_OWN.test(text)
}

// JSON's pairs of surrogates are two characters to YAML.
function escaped(text: string): string {
  const inner = Array.from(text, (char) => {
    if (char === '"' || char === '\\') return `\\${char}`
    if (/^[\x20-\x7e]$/.test(char)) return char
    const code = char.codePointAt(0) ?? 0
    if (code <= 0xff) return `\\x${code.toString(16).toUpperCase().padStart(2, '0')}`
    if (code <= 0xffff) return `\\u${code.toString(16).toUpperCase().padStart(4, '0')}`
    return `\\U${code.toString(16).toUpperCase().padStart(8, '0')}`
  })
  return `"${inner.join('')}"`
}
