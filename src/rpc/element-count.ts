import { isReflectMessage } from '@bufbuild/protobuf/reflect';
import type { ReflectMessage } from '@bufbuild/protobuf/reflect';

/** What is left of `budget` after the elements of all lists and maps; stops counting at 0. */
export function countElements(message: ReflectMessage, budget: number): number {
  let left = budget;
  for (const field of message.fields) {
    if (left <= 0) return 0;
    if (!message.isSet(field)) continue;
    if (field.fieldKind === 'message') left = countElements(message.get(field), left);
    if (field.fieldKind === 'map') left -= message.get(field).size;
    if (field.fieldKind !== 'list') continue;
    const list = message.get(field);
    left -= list.size;
    if (left <= 0 || field.listKind !== 'message') continue;
    for (const item of list) if (isReflectMessage(item)) left = countElements(item, left);
  }
  return Math.max(left, 0);
}
