import type { IdentityLiterals } from '#dist/project/identity-literals.js'

/** The invented machine and person that the samples of the rules speak of. */
export const SAMPLE_IDENTITY: IdentityLiterals = {
  hostnames: ['tern-box.lan.example', 'ci'],
  usernames: ['quillfeather', 'dev'],
  names: ['Quill Feather'],
  emails: ['q.feather@mail.example'],
  homes: ['/data/people/quillfeather', 'E:\\Profiles\\Quill Feather'],
  roots: ['/srv/code/harbor', 'D:\\work\\harbor'],
}
