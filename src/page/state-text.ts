/** The value of a machine's state in words, for the page and for the terminal. Pure. */

/** No machine is nested as deeply. */
export const DEPTH_MAX = 16

/** A state's value in one line: `connected (delivery.live | liveness.watched)`. */
export function stateText(value: unknown, depth = 0): string {
  if (typeof value === 'string') return value
  if (typeof value !== 'object' || value === null) return ''
  if (depth > DEPTH_MAX) return '…'
  const parts = Object.entries(value).map(([key, inner]) => {
    const rest = stateText(inner, depth + 1)
    return rest === '' ? key : rest.includes(' ') ? `${key} (${rest})` : `${key}.${rest}`
  })
  return parts.join(' | ')
}
