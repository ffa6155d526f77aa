import assert from "node:assert/strict";
import test from "node:test";

import { firstLanguage, translateSentence } from "../../partclipseg/studio/canvas/language.mjs";

test("the first of the browser's languages that there is", () => {
  const known = ["en", "ko"];
  assert.equal(firstLanguage(["ko-KR", "en"], known), "ko");
  assert.equal(firstLanguage(["de", "KO"], known), "ko");
  assert.equal(firstLanguage(["de", "en-US", "ko"], known), "en");
  assert.equal(firstLanguage(["fr"], known), "en");
});

test("a sentence that is known is said in the language, another as it is", () => {
  const patterns = [["No (.+) was found in the photo\\.", "사진에서 찾지 못함: $1."]];
  assert.equal(translateSentence("No $& car was found in the photo.", patterns), "사진에서 찾지 못함: $& car.");
  assert.equal(translateSentence("Something else.", patterns), "Something else.");
  assert.equal(translateSentence("Something else."), "Something else.");
});
