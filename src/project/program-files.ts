/**
 * Where the files of this package stand. A program is bundled, and its chunks stand as deep below dist/ as this
 * module: no other place may ask for `import.meta.url`.
 */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Absolute path of the program's main file. */
export const MAIN = fileURLToPath(new URL('../cli/main.js', import.meta.url))

/** The built entry of a thread, by its path below workers/, without the ending. */
export function threadUrl(name: string): URL {
  return new URL(`../workers/${name}.js`, import.meta.url)
}

export function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
