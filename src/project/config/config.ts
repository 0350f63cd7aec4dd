/**
 * Reads `.kittify/config.yaml` and its like, files that people and other tools edit. The reading is
 * total: present, absent, or unusable with its faults, which name lines and keys and never quote the
 * file.
 */
import { join } from 'node:path'
import { isMap, isScalar, isSeq, parseDocument } from 'yaml'
import type { Document, Node } from 'yaml'
import { readBounded } from '../files/bounded-file.ts'
import { isEmpty } from './config-nodes.ts'
import { leavesRoot } from '../files/safe-path.ts'

export type ConfigFault = {
  readonly code:
    | 'TOO_LARGE'
    | 'NOT_A_FILE'
    | 'UNREADABLE'
    | 'LEAVES_REPOSITORY'
    | 'NOT_UTF8'
    | 'CONFLICT_MARKERS'
    | 'MULTIPLE_DOCUMENTS'
    | 'DUPLICATE_KEY'
    | 'SYNTAX'
    | 'NOT_A_MAPPING'
    | 'WRONG_TYPE'
  readonly message: string
}

export type Config = {
  readonly state: 'present'
  /** The file as it stands, a byte order mark included. */
  readonly text: string
  readonly document: Document.Parsed
  /** Permission bits. */
  readonly mode: number
}

export type ConfigReading =
  | Config
  | { readonly state: 'absent' }
  | { readonly state: 'unusable'; readonly faults: readonly ConfigFault[] }

export const CONFIG_PATH: readonly string[] = ['.kittify', 'config.yaml']
const YAML_SIZE_MAX_BYTES = 256 * 1024
const FAULTS_MAX = 10

export function readConfig(root: string): ConfigReading {
  return readYamlFile(root, CONFIG_PATH)
}

/** As `readConfig` for those who change nothing in its document: parsed once for as long as the bytes are the same. */
export function readSharedConfig(root: string): ConfigReading {
  return readYamlFile(root, CONFIG_PATH, YAML_SIZE_MAX_BYTES, parseShared)
}

type Parsed = { readonly bytes: Buffer; readonly mode: number; readonly reading: ConfigReading }

let parsedLast: Parsed | null = null

function parseShared(bytes: Buffer, mode: number): ConfigReading {
  if (parsedLast?.mode === mode && parsedLast.bytes.equals(bytes)) return parsedLast.reading
  const reading = parseConfig(bytes, mode)
  parsedLast = { bytes, mode, reading }
  return reading
}

/** A YAML file of the project with a mapping at its top, or with nothing. */
export function readYamlFile(
  root: string,
  segments: readonly string[],
  sizeMaxBytes: number = YAML_SIZE_MAX_BYTES,
  parse: (bytes: Buffer, mode: number) => ConfigReading = parseConfig,
): ConfigReading {
  if (leavesRoot(root, segments)) {
    return unusable('LEAVES_REPOSITORY', 'a symbolic link leads out of the repository')
  }
  const path = join(root, ...segments)
  const read = readBounded(path, sizeMaxBytes, { followLink: true })
  if (read.state === 'absent') return { state: 'absent' }
  if (read.state === 'read') return parse(read.bytes, read.mode)
  switch (read.reason) {
    case 'too_large':
      return unusable('TOO_LARGE', `larger than ${sizeMaxBytes} bytes`)
    case 'not_a_file':
      return unusable('NOT_A_FILE', 'a regular file is expected')
    default:
      return unusable('UNREADABLE', 'the file may not be read; check its permissions and owner')
  }
}

/** The configuration that these bytes hold. */
export function parseConfig(bytes: Uint8Array, mode: number): ConfigReading {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return unusable('NOT_UTF8', 'UTF-8 text is expected')
  }
  const marker = /^(?:<{7}|>{7})(?: |\r?$)/m.exec(text)
  if (marker !== null) {
    const line = lineOf(text, marker.index)
    return unusable('CONFLICT_MARKERS', `line ${line}: a merge conflict is not resolved`)
  }
  try {
    return checked(text, mode)
  } catch {
    // The composer is recursive: nesting without end is one way to get here.
    return unusable('SYNTAX', 'this YAML is nested too deep, or can not be read')
  }
}

function checked(text: string, mode: number): ConfigReading {
  // The parser's own check of keys and its pretty messages take quadratic time on hostile text.
  const options = { uniqueKeys: false, prettyErrors: false, logLevel: 'error' } as const
  const document = parseDocument(text, options)
  const faults: ConfigFault[] = document.errors.slice(0, FAULTS_MAX).map((error) => {
    const several = error.code === 'MULTIPLE_DOCS'
    return {
      code: several ? 'MULTIPLE_DOCUMENTS' : 'SYNTAX',
      message: several
        ? `line ${lineOf(text, error.pos[0])}: one YAML document is expected`
        : `line ${lineOf(text, error.pos[0])}: not valid YAML (${error.code})`,
    }
  })
  if (faults.length > 0) return { state: 'unusable', faults }
  const content = document.contents
  if (content !== null && !isMap(content) && !isEmpty(content)) {
    return unusable('NOT_A_MAPPING', 'a mapping is expected at the top')
  }
  const repeated = repeatedKeys(text, content)
  if (repeated.length > 0) return { state: 'unusable', faults: repeated.slice(0, FAULTS_MAX) }
  return { state: 'present', text, document, mode }
}

// A loop of its own, and a set for each mapping: deep or wide text must cost no more than its
// length.
function repeatedKeys(text: string, content: Node | null): ConfigFault[] {
  const faults: ConfigFault[] = []
  const stack: unknown[] = [content]
  while (stack.length > 0) {
    const node = stack.pop()
    if (isSeq(node)) for (const item of node.items) stack.push(item)
    if (!isMap(node)) continue
    const seen = new Set<string>()
    for (const { key, value } of node.items) {
      stack.push(key, value)
      if (!isScalar(key)) continue
      const name = String(key.value)
      if (seen.has(name)) {
        const line = lineOf(text, key.range?.[0] ?? 0)
        faults.push({ code: 'DUPLICATE_KEY', message: `line ${line}: a key that stands twice` })
      }
      seen.add(name)
    }
  }
  return faults
}

function lineOf(text: string, offset: number): number {
  let line = 1
  for (let i = text.indexOf('\n'); i !== -1 && i < offset; i = text.indexOf('\n', i + 1)) line++
  return line
}

function unusable(code: ConfigFault['code'], message: string): ConfigReading {
  return { state: 'unusable', faults: [{ code, message }] }
}
