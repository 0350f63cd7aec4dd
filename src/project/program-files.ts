/**
 * Where the files of this package stand. A program is bundled, and its chunks stand as deep below dist/ as this
 * module: no other place may ask for `import.meta.url`.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import type { CompiledSchemas } from '../contracts/schemas/schema-layer.ts'

/** Absolute path of the program's main file. */
export const MAIN = fileURLToPath(new URL('../cli/main.js', import.meta.url))

/** Where the dashboard of a hub stands once it is built. */
export const HUB_PAGE_FOLDER = fileURLToPath(new URL('../hub/page/', import.meta.url))

/** Where the inspector's page stands once it is built. */
export const INSPECT_PAGE_FOLDER = fileURLToPath(new URL('../inspect/page/', import.meta.url))

/** The built entry of a thread, by its path below workers/, without the ending. */
export function threadUrl(name: string): URL {
  return new URL(`../workers/${name}.js`, import.meta.url)
}

/** The JSON Schemas as functions, which the build makes. They are large: loaded when first asked for. */
export function compiledSchemas(): CompiledSchemas {
  return createRequire(import.meta.url)('../contracts/compiled-schemas.cjs') as CompiledSchemas
}

/** Where the package keeps the JSON Schemas. */
export function schemasFolder(): string {
  return fileURLToPath(new URL('../../schemas/', import.meta.url))
}

/** Where the package keeps streams and what they come to, with their manifest. */
export function conformanceFolder(): string {
  return fileURLToPath(new URL('../../conformance/', import.meta.url))
}

export function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
