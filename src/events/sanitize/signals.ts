/** One cheap pass over a string: which characters it has, so that most rules need not look, and its length on disk. */

export const AT = 1
export const SLASH = 2
export const BACKSLASH = 4
export const COLON = 8
export const EQUALS = 16
export const PERCENT = 32
export const TILDE = 64
export const DOT = 128
export const DIGIT = 256
export const LETTER = 512
export const LESS = 1024
export const WIDE = 2048
export const BRACE = 4096
/** Of `LONG_WORD_LENGTH` characters or more without a blank: no shorter word is a token. */
export const LONG_WORD = 8192

export const LONG_WORD_LENGTH = 16
const BLANK = 32

const BITS = new Uint16Array(128)
const WIDTHS = new Uint8Array(128).fill(1)

const BIT_BY_CHARACTER: Readonly<Record<string, number>> = {
  '@': AT,
  '/': SLASH,
  '\\': BACKSLASH,
  ':': COLON,
  '=': EQUALS,
  '%': PERCENT,
  '~': TILDE,
  '.': DOT,
  '<': LESS,
  '{': BRACE,
  '[': BRACE,
}
for (const [character, bit] of Object.entries(BIT_BY_CHARACTER)) {
  BITS[character.charCodeAt(0)] = bit
}
for (let unit = 0; unit < 128; unit++) {
  const character = String.fromCharCode(unit)
  if (/[0-9]/.test(character)) BITS[unit] = DIGIT
  if (/[A-Za-z]/.test(character)) BITS[unit] = LETTER
  WIDTHS[unit] = JSON.stringify(character).length - 2
}
// DEL is written as an escape, like everything above it.
const ESCAPE_WIDTH = 6
WIDTHS[127] = ESCAPE_WIDTH

export type Signals = {
  /** The bits above. */
  readonly bits: number
  /** Characters that the text takes in an ASCII-escaped JSON line, without its quotes. */
  readonly width: number
}

/** The bits of a text; `measure` has the width beside them. */
export function signalsOf(text: string): Signals {
  let bits = 0
  let width = 0
  let word = 0
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    word = unit > BLANK ? word + 1 : 0
    if (word === LONG_WORD_LENGTH) bits |= LONG_WORD
    if (unit < 128) {
      bits |= BITS[unit] as number
      width += WIDTHS[unit] as number
    } else {
      bits |= WIDE
      width += ESCAPE_WIDTH
    }
  }
  return { bits, width }
}
