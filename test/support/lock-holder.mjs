// Takes the write lock of the database at the given path, says so, and frees it once its input ends.
import { writeSync } from 'node:fs'

import Database from 'better-sqlite3'

const [path, mode] = process.argv.slice(2)
const db = new Database(path)
db.exec(`BEGIN ${mode}`)
writeSync(1, 'held\n')
for await (const _ of process.stdin);
db.close()
