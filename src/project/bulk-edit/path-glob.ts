/** Globs over paths with `/`: `*` and `?` stay within a name, and only `**` as a whole name crosses folders. */

const LENGTH_MAX = 1_024

/** Whether the whole path matches. Takes time by the product of the lengths at most. */
export function matchesGlob(pattern: string, path: string): boolean {
  if (pattern.length > LENGTH_MAX) return false
  return matchesNames(pattern.split('/'), path.split('/'))
}

function matchesNames(patterns: readonly string[], names: readonly string[]): boolean {
  // reached[n]: the patterns so far match the first n names.
  let reached = names.map(() => false)
  reached = [true, ...reached]
  for (const pattern of patterns) {
    const next = reached.map(() => false)
    if (pattern === '**') {
      let isOpen = false
      for (const [at, was] of reached.entries()) next[at] = isOpen ||= was
    } else {
      for (const [at, name] of names.entries()) {
        if (reached[at] === true && matchesName(pattern, name)) next[at + 1] = true
      }
    }
    reached = next
  }
  return reached.at(-1) === true
}

/** One name, from star to star: where what follows one doesn't match, the star takes one character more. */
function matchesName(pattern: string, name: string): boolean {
  const [parts, chars] = [partsOf(pattern), Array.from(name)]
  let [at, from] = [0, 0]
  let star: { at: number; from: number } | null = null
  while (from < chars.length) {
    const part = parts[at]
    if (part === '*') {
      star = { at, from }
      at += 1
    } else if (part !== undefined && part(chars[from] ?? '')) {
      at += 1
      from += 1
    } else if (star !== null) {
      star = { at: star.at, from: star.from + 1 }
      at = star.at + 1
      from = star.from
    } else return false
  }
  return parts.slice(at).every((part) => part === '*')
}

type Part = '*' | ((char: string) => boolean)

function partsOf(pattern: string): readonly Part[] {
  const parts: Part[] = []
  const found = pattern.matchAll(/(\*+)|(\?)|\[([!^]?)(\]?[^\]]*)\]|([^])/gu)
  for (const [, stars, any, not, set, char] of found) {
    if (stars !== undefined) parts.push('*')
    else if (any !== undefined) parts.push(() => true)
    else if (set !== undefined) parts.push((one) => isIn(set, one) !== (not !== ''))
    else parts.push((one) => one === char)
  }
  return parts
}

function isIn(set: string, char: string): boolean {
  const chars = Array.from(set)
  return chars.some((one, at) => {
    if (one === char) return true
    const to = chars[at + 2]
    return chars[at + 1] === '-' && to !== undefined && one <= char && char <= to
  })
}
