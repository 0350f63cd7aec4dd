/**
 * All rows of a copy of the log that hubs share, in pieces: what a base is made of, and the way back into a file of its own.
 * Messages of the log go along without what they said, so that their places are known.
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import Database from 'better-sqlite3'
import type { Connection } from './database.ts'
import { APPLICATION_ID } from './database.ts'
import { BASE_PIECE_LENGTH } from '../limits.ts'
import { STEPS } from './schema.ts'
import { COPIED } from './shared-copy.ts'

type Value = number | string | null | readonly [hex: string]
type Piece = {
  readonly table: string
  readonly columns: readonly string[]
  readonly rows: readonly (readonly Value[])[]
}

const PIECE_INFLATED_MAX = 64 * 1024 * 1024
const META = "SELECT * FROM meta WHERE key IN ('backend', 'epoch', 'position', 'base')"
const LOG = "SELECT stream_seq, message_id, '' AS subject, x'' AS body, ends_at FROM log"

/** The pieces that hold all rows, as bytes; nobody changes the rows for the connection meanwhile. */
export function* piecesOf(database: Connection): Generator<Buffer> {
  for (const table of [...COPIED, 'meta', 'sqlite_sequence']) {
    const select = { meta: META, log: LOG }[table] ?? `SELECT * FROM ${table}`
    const statement = database.prepare(select)
    const columns = statement.columns().map(({ name }) => name)
    let rows: Value[][] = []
    let length = 0
    for (const row of statement.raw().iterate() as Iterable<(Buffer | Value)[]>) {
      const own = row.reduce((sum: number, value) => sum + lengthOf(value), 0)
      // A long one stands alone, so that where its message had room it has room, too.
      if (rows.length > 0 && length + own > BASE_PIECE_LENGTH) {
        yield encode({ table, columns, rows })
        rows = []
        length = 0
      }
      rows.push(row.map((value) => (Buffer.isBuffer(value) ? [value.toString('hex')] : value)))
      length += own
    }
    if (rows.length > 0) yield encode({ table, columns, rows })
  }
}

/** A database of its own, which pieces are put into; it has the tables of the schema that they were written by. */
export class BaseFile {
  readonly #database: Connection

  /** @param path of a file that is not there yet */
  constructor(path: string, schema: number) {
    this.#database = new Database(path)
    // Whoever loses power begins again.
    this.#database.pragma('synchronous = OFF')
    for (const step of STEPS.slice(0, schema)) this.#database.exec(step)
    this.#database.pragma(`application_id = ${APPLICATION_ID}`)
    this.#database.pragma(`user_version = ${schema}`)
  }

  /** All rows of a piece, or none. Throws where it is none of these tables. */
  add(bytes: Buffer): void {
    const text = inflateRawSync(bytes, { maxOutputLength: PIECE_INFLATED_MAX }).toString('utf8')
    const { table, columns, rows } = JSON.parse(text) as Piece
    const names = columns.map((name) => `"${name.replaceAll('"', '""')}"`)
    const places = columns.map(() => '?')
    const insert = this.#database.prepare(
      `INSERT INTO "${table.replaceAll('"', '""')}" (${names.join()}) VALUES (${places.join()})`,
    )
    const run = this.#database.transaction(() => {
      for (const row of rows) {
        insert.run(row.map((value) => (isBlob(value) ? Buffer.from(value[0], 'hex') : value)))
      }
    })
    run()
  }

  close(): void {
    this.#database.close()
  }
}

function encode(piece: Piece): Buffer {
  return deflateRawSync(JSON.stringify(piece))
}

function lengthOf(value: Buffer | Value): number {
  return typeof value === 'string' || Buffer.isBuffer(value) ? value.length : 8
}

function isBlob(value: Value): value is readonly [hex: string] {
  return Array.isArray(value)
}
