/** Numbers spelled as Python spells a float: `1.0`, `1e-07`. Readers there take `1` for another type. */

/** From this power of ten on, and below the other one, digits are followed by an exponent. */
const EXPONENT_MAX = 16
const EXPONENT_MIN = -4

/** Of a finite number; the shortest digits that give it back, as in both languages. */
export function pythonFloat(value: number): string {
  const sign = value < 0 || Object.is(value, -0) ? '-' : ''
  const [mantissa = '0', power = '0'] = Math.abs(value).toExponential().split('e')
  const digits = mantissa.replace('.', '')
  const exponent = Number(power)
  if (exponent >= EXPONENT_MIN && exponent < EXPONENT_MAX) {
    return `${sign}${positional(digits, exponent)}`
  }
  const fraction = digits.length > 1 ? `.${digits.slice(1)}` : ''
  const size = String(Math.abs(exponent)).padStart(2, '0')
  return `${sign}${digits.slice(0, 1)}${fraction}e${exponent < 0 ? '-' : '+'}${size}`
}

function positional(digits: string, exponent: number): string {
  if (exponent < 0) return `0.${'0'.repeat(-exponent - 1)}${digits}`
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0')
  return `${whole}.${digits.slice(exponent + 1) || '0'}`
}
