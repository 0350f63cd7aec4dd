// The names of a mission's files, and their lines.
export const DECISIONS = 'decisions.events.jsonl'
export const STATUS = 'status.events.jsonl'
export const SNAPSHOT = 'status.json'
/** What the user has staged where our commits are made. */
export const STAGED = 'staged.txt'

export function linesOf(text) {
  return text.split('\n').filter((line) => line !== '')
}

/** Null for each line that is none. */
export function rowsOf(text) {
  return linesOf(text).map((line) => {
    try {
      return JSON.parse(line)
    } catch {
      return null
    }
  })
}
