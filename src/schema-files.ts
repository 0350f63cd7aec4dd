/** The JSON Schemas as files, the cutover beside them, and what the last release had: written, and compared with the models. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CUTOVER_ARTIFACT } from './contracts/cutover.ts'
import { byCodePoint, encodeJson, isJsonObject, parseJsonObject } from './contracts/json/json.ts'
import type { Json, JsonObject } from './contracts/json/json.ts'
import { jsonSchemas } from './contracts/schemas/json-schemas.ts'
import { type SchemaChange, schemaChanges } from './contracts/schemas/schema-changes.ts'
import { InputError, systemCode } from './errors.ts'
import { readText } from './project/files/bounded-file.ts'
import { namesIn } from './project/files/names-in.ts'
import { makeFolders } from './project/files/make-folders.ts'
import { packageVersion } from './project/program-files.ts'

export type SchemaDrift = {
  readonly file: string
  readonly kind: 'missing' | 'changed' | 'orphan'
}

const ENDING = '.schema.json'
const CUTOVER_FILE = 'cutover.json'
const RELEASE_FILE = 'last-release.json'
const FILE_BYTES_MAX = 16 * 1024 * 1024

/** The text of each file by its name. */
export function schemaFiles(): ReadonlyMap<string, string> {
  const schemas = [...jsonSchemas()].map(
    ([name, schema]) => [`${name}${ENDING}`, textOf(schema)] as const,
  )
  return new Map([...schemas, [CUTOVER_FILE, textOf(CUTOVER_ARTIFACT)]])
}

/** Answers the names of the files. @throws InputError SCHEMAS_UNWRITABLE */
export function writeSchemaFiles(folder: string, isRelease: boolean): readonly string[] {
  const files = new Map(schemaFiles())
  if (isRelease) files.set(RELEASE_FILE, releaseText())
  try {
    makeFolders(folder)
    for (const [name, text] of files) writeFileSync(join(folder, name), text)
  } catch (error) {
    throw new InputError('SCHEMAS_UNWRITABLE', `can't write there (${systemCode(error) ?? '?'})`, {
      hint: 'Check the folder and its permissions.',
    })
  }
  return [...files.keys()]
}

/** What stands in the folder otherwise than the models say, in the order of names. */
export function schemaDrift(folder: string): readonly SchemaDrift[] {
  const files = schemaFiles()
  const drift = [...files].flatMap(([file, text]): readonly SchemaDrift[] => {
    const found = readText(join(folder, file), FILE_BYTES_MAX)
    if (found === null) return [{ file, kind: 'missing' }]
    return found === text ? [] : [{ file, kind: 'changed' }]
  })
  const orphans = namesIn(folder)
    .filter((file) => file.endsWith(ENDING) && !files.has(file))
    .map((file): SchemaDrift => ({ file, kind: 'orphan' }))
  return [...drift, ...orphans].sort((a, b) => byCodePoint(a.file, b.file))
}

export type ReleaseComparison = {
  readonly version: string
  readonly changes: readonly SchemaChange[]
}

/** What has changed since the release that the folder remembers; null where it remembers none. @throws InputError RELEASE_UNREADABLE */
export function changesSinceRelease(folder: string): ReleaseComparison | null {
  const text = readText(join(folder, RELEASE_FILE), FILE_BYTES_MAX)
  if (text === null) return null
  try {
    const { version, schemas } = parseJsonObject(text, FILE_BYTES_MAX)
    if (typeof version === 'string' && isJsonObject(schemas)) {
      const before = Object.entries(schemas).filter((entry): entry is [string, JsonObject] =>
        isJsonObject(entry[1]),
      )
      return { version, changes: schemaChanges(new Map(before), jsonSchemas()) }
    }
  } catch {
    // Said below, with what to do.
  }
  throw new InputError('RELEASE_UNREADABLE', `${RELEASE_FILE} is no list of schemas`, {
    hint: 'Restore it with git.',
  })
}

function releaseText(): string {
  const schemas = Object.fromEntries(jsonSchemas())
  return `${encodeJson({ version: packageVersion(), schemas })}\n`
}

function textOf(value: Json): string {
  return `${JSON.stringify(sorted(value), null, 2)}\n`
}

function sorted(value: Json): Json {
  if (Array.isArray(value)) return (value as readonly Json[]).map(sorted)
  if (!isJsonObject(value)) return value
  const entries = Object.entries(value).sort(([a], [b]) => byCodePoint(a, b))
  return Object.fromEntries(entries.map(([key, part]) => [key, sorted(part)]))
}
